//! The portal as the built command, before a real hub with devices, over real sockets; and in a real browser.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod accounts;
mod browser;
mod change;
mod entry;
mod fleet;
mod stage;
#[path = "../walk/web.rs"]
#[expect(dead_code, reason = "shared with the walk")]
mod web;
#[path = "../support/world.rs"]
#[expect(dead_code, reason = "shared with the tests of the hub")]
mod world;
