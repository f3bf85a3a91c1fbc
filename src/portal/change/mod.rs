//! Proposals: what somebody wants the fleet's documents to say, held against the rules and the live twins before anything
//! is written. Git stays the only way in.
//!
//! ```text
//!   form or YAML ──► Draft ──► findings ──► plan ──► branch and pull request, or a patch
//! ```
//!
//! * [`Document`] finds what is edited; `form` makes a form of it and reads it again.
//! * [`Draft`] is files as they are to be, and the commit that they were made from: pages carry it, nothing is kept here.
//! * [`Proposals`] is what is needed of the repository; `judge` holds a draft against the rules and plans it.
//! * `drift` turns what was found in twins into drafts.

mod document;
mod draft;
mod drift;
pub(super) mod form;
mod judge;
mod port;

pub(super) use document::{Document, Listed, list};
pub(super) use draft::{Draft, FileDiff, Words};
pub(super) use drift::{Entry, adopted, ignored};
pub(super) use judge::{planned, told};
pub use port::{Files, Judged, Proposal, Proposals, Proposed};
