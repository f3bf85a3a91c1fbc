//! The conformance list of the protocol reference, section 17: one test for each of its 27 items, against a hub on
//! loopback with TLS. Tests under Microsoft's SDKs that assert the same cite the item too; `docs/conformance.md` is
//! made from the citations.

#![cfg(all(feature = "cli", feature = "hub", feature = "agent"))]
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod az;
mod configurations_and_jobs;
mod connections;
mod identities;
mod index;
mod link;
mod methods;
mod support;
mod twins;
