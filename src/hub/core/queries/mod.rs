//! Queries (protocol reference 6): page by page, in the order of device ids, with memory for one page.
//!
//! * `run` scans and collects; [`fields`] lets a condition look into a record without taking all of it apart;
//!   `token` says where the next page begins; `filter` tells the store what it can find by itself.

mod fields;
mod filter;
mod page;
mod run;
#[cfg(test)]
mod tests;
mod token;
