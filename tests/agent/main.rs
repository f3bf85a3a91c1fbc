//! How the agent reaches a real hub: by which way, as whom, and what becomes of that when something on the way changes.

#![cfg(all(feature = "cli", feature = "hub", feature = "agent"))]
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod check;
mod identity;
mod provisioning;
mod relay;
mod stage;
mod ways;
#[path = "../support/world.rs"]
#[expect(dead_code, unused_imports, reason = "the devices here are agents")]
mod world;
