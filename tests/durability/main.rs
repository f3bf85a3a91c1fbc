//! What a hub's process promises to keep, and what may befall it: it is killed while it writes, its disk is full, the
//! end of its log is torn, its database is damaged, it is copied while it writes.
//!
//! A killed process leaves to the operating system what it had handed over: that it was synced as well before it was
//! acknowledged, these tests cannot see. What a machine leaves that loses its power is a log that ends somewhere, and
//! they cut it themselves.

#![cfg(all(target_os = "linux", feature = "cli", feature = "hub", feature = "agent"))]
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod backup;
mod disk;
mod hub;
mod killed;
mod load;
mod log;
mod torn;
