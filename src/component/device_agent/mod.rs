//! The groups of the Azure Device Agent, the successor of the DM client (Windows reference 1.21). They stand directly
//! under `desired` and answer with `__meta` and `__errors` ([`Convention::Dm2`](super::Convention::Dm2)).
//!
//! That agent wants to be told by whom a group is deployed and for which version of its interface. Both stand in the
//! group's `__meta`, which [`fill_in`] writes: nobody declares it.

mod apps;
mod certificates;
mod meta;
mod time;
mod tracing;
mod updates;

pub use apps::{UwpApp, UwpApps};
pub use certificates::{Certificates, STORES};
pub use meta::{META, fill_in, forbid};
pub use time::TimeInfo;
pub use tracing::{Collector, EventTracingCollectors, Provider};
pub use updates::WindowsUpdate;

use serde::{Deserialize, Serialize};

/// Asks the device to report what it is: write `deviceInfo: {}`. Nothing else can be declared here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeviceInfo {}
