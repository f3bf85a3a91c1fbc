//! Whatever goes wrong on the way to the hub: running again brings every device to what git declares, no value of
//! others is touched, and nothing is written twice.
//!
//! `simulation` has hub, network and time in memory, and hundreds of runs by seed; `processes` holds the built command to
//! the same on real sockets.

#![cfg(all(feature = "cli", feature = "hub", feature = "agent"))]
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod processes;
mod proxy;
mod simulation;
mod stage;
#[path = "../support/world.rs"]
#[expect(dead_code, unused_imports, reason = "no device connects here")]
mod world;
