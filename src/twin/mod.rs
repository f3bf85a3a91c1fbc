//! The twin: what a hub holds of one device. Pure words that all three towers share; no I/O, no async.
//!
//! * [`DeviceId`] is a name known to be valid; [`PropertyPath`] points at one value of a twin.
//! * [`Twin`] is the whole document, owned; [`TwinRow`] the same borrowed from the bytes it arrived in, with its
//!   members still unparsed, so that a million unchanged twins cost a scan and no tree.
//! * [`merge()`] applies a patch as the hub does; [`same`] is the one comparer: nobody else decides whether two
//!   values are equal.
//! * [`limits`] says what a hub will refuse, before it is asked.

mod compare;
mod document;
mod id;
pub mod limits;
mod merge;
mod path;
mod row;
#[cfg(test)]
pub(crate) mod sample;

pub use compare::{Leaf, leaves, same};
pub use document::{Properties, Twin, TwinProperties};
pub use id::{DeviceId, IdError};
pub use merge::{get, merge, remove_path, set_path};
pub use path::{PathError, PropertyPath, Section};
pub use row::{PropertiesRow, RowError, SectionRow, TwinRow};

/// A JSON object, as every section of a twin is one. Members are kept sorted by name.
pub type Map = serde_json::Map<String, serde_json::Value>;

/// The member names that a hub keeps for itself inside `properties.desired` and `properties.reported`.
pub const HUB_MEMBERS: [&str; 2] = ["$metadata", "$version"];
