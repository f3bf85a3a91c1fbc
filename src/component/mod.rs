//! The data models: what the sections of a twin may hold, as types, and how devices answer them.
//!
//! * [`pnp`] is the status convention of IoT Plug and Play: how a device answers a writable property.
//! * [`time`], [`services`], [`updates`], [`telemetry`], [`certificates`], [`wifi`], [`reboot`], [`apps`],
//!   [`diagnostics`], [`files`], [`packages`] and [`device_info`] are the neutral components, one vocabulary for Windows and Linux;
//!   [`artifact`] is what several of them are made of. [`twinops`] is between the reconciler and the agent.
//! * [`windows`] has the components of the Windows IoT Azure DM client, `device_agent` those of its successor.
//! * [`command`] has what this project's agent can be told to do, `method` the direct methods of all devices, `laws` what no schema can say.
//! * `dtdl` tells components to tools of Azure. A [`Convention`] is how a component's status is told; `Registry` has the JSON Schema of every component, those
//!   of this crate and a fleet's own.
//! * [`dsc`] has the manifests of DSC resources, which become components.
//!
//! The types read what stands in a twin below a component's name, without the `__t` marker that tools add.

pub mod apps;
pub mod artifact;
#[cfg(feature = "cli")]
mod builtin;
pub mod certificates;
#[cfg(feature = "cli")]
mod claim;
pub mod command;
pub mod convention;
#[cfg(feature = "cli")]
pub mod device_agent;
pub mod device_info;
pub mod diagnostics;
pub mod dsc;
#[cfg(feature = "cli")]
pub mod dtdl;
pub mod files;
#[cfg(feature = "cli")]
pub mod laws;
#[cfg(feature = "cli")]
pub mod method;
pub mod packages;
#[cfg(feature = "cli")]
mod partial;
#[cfg(feature = "cli")]
mod pieces;
pub mod pnp;
pub mod reboot;
#[cfg(feature = "cli")]
mod registry;
#[cfg(feature = "cli")]
mod sensitive;
pub mod services;
mod suggest;
pub mod telemetry;
#[cfg(feature = "cli")]
mod tidy;
pub mod time;
pub mod twinops;
pub mod updates;
pub mod wifi;
pub mod windows;

#[cfg(feature = "cli")]
pub use claim::Claim;
pub use convention::Convention;
#[cfg(feature = "cli")]
pub use pieces::Piece;
#[cfg(feature = "cli")]
pub use registry::{ComponentSchema, Registry, SchemaError};
pub use suggest::nearest;
