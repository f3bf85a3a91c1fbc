//! The hub's own parsers, from its sources: every module that is taken in stands where it stands there.

#![allow(dead_code, unused_imports, unreachable_pub, clippy::pedantic, reason = "the hub uses the rest, and lints it")]

pub(crate) mod bodies;
#[path = "../../../src/hub/core/configurations/content.rs"]
mod content;
#[path = "../../../src/hub/failure.rs"]
mod failure;
pub(crate) mod mqtt;
#[path = "../../../src/hub/ports.rs"]
mod ports;
#[path = "../../../src/hub/record/mod.rs"]
mod record;
pub(crate) mod twin;
pub(crate) mod websocket;
