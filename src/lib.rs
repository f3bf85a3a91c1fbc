//! GitOps for device twins.
//!
//! A fleet repository (YAML in git) declares what every device should be; `reconcile` compares that with the live
//! twins of an IoT hub and patches what differs; the agent on the device applies it and reports what is; `drift`
//! says where the two part. The hub is Azure IoT Hub, or ours, which speaks the same protocols.
//!
//! ```text
//!              cli                       (starts hub and agents; otherwise nothing across)
//!   client  repo  forge  report
//!        reconcile
//!          plan                      hub                      agent
//!          fleet                      │                         │
//!   ════════ component · iothub · query · twin · task · websocket ════════  ground floor: pure, but the last two
//! ```
//!
//! Rooms open downward only and never to a sibling; `tests/tidy.rs` holds them to it. The three towers meet only on
//! the wire.
//!
//! * [`twin`] is the document: ids, paths, merge patch, the one comparer, limits.
//! * [`query`] is the hub's query language, for `where`, for the hub and for `status`.
//! * [`iothub`] is the wire: connection strings, tokens, topics, REST bodies, error codes.
//! * [`component`] holds the data models and their status conventions.
//! * `websocket` is the way of MQTT over the port of HTTPS.
//! * [`task`] starts named tasks, stops them together, and backs off.
//! * [`import`] goes from live twins to a fleet repository.
//! * [`fleet`] goes from YAML to wanted twins; [`plan`] from wanted, base and live to changes and verdicts.
//! * [`reconcile`] carries a plan out; [`client`] is its hub over REST or a snapshot file; [`repo`] its git.
//! * [`report`] turns values into text; [`forge`] brings them onto pull requests; [`cli`] is the command line.
//! * [`hub`] serves the protocols; [`agent`] obeys them.

#![allow(clippy::module_name_repetitions, reason = "`plan::Plan` reads better than a second word for the same thing")]

pub mod component;
pub mod iothub;
pub mod query;
pub mod task;
pub mod twin;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod client;
#[cfg(feature = "cli")]
pub mod fleet;
#[cfg(feature = "cli")]
pub mod forge;
#[cfg(feature = "cli")]
pub mod import;
#[cfg(feature = "cli")]
pub mod plan;
#[cfg(feature = "cli")]
pub mod reconcile;
#[cfg(feature = "cli")]
pub mod repo;
#[cfg(feature = "cli")]
pub mod report;

#[cfg(feature = "agent")]
pub mod agent;
#[cfg(feature = "hub")]
pub mod hub;
#[cfg(any(feature = "agent", feature = "hub"))]
pub mod websocket;
