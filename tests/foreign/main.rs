//! A device never reads, writes or invokes anything of another device: every route and every topic is tried with
//! credentials of others, and everything is refused and leaves no trace.

#![cfg(all(feature = "cli", feature = "hub", feature = "agent"))]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod mqtt;
mod rest;
mod stage;
#[path = "../support/wire.rs"]
mod wire;
#[path = "../support/world.rs"]
mod world;
