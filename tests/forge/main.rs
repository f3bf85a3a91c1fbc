//! Results on pull requests, and which plan was approved: against forges that hold every request to what they publish.

#![cfg(all(feature = "cli", feature = "hub"))]
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod approval;
mod azure;
mod commands;
mod faults;
mod github;
mod gitlab;
mod kept;
mod server;
#[path = "../walk/stage.rs"]
#[expect(dead_code, reason = "no device runs here")]
mod stage;
mod workflows;
