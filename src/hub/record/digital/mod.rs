//! The twin as a Plug and Play client sees it: a digital twin (protocol reference 10, 15).
//!
//! * `view` shows a record so: acknowledgements are taken apart, each property has its metadata, components are objects
//!   of their own.
//! * [`DigitalPatch`] is a JSON Patch of it, which becomes a patch of the desired properties.

mod patch;
mod pointer;
mod view;

pub(crate) use patch::DigitalPatch;
use serde_json::Value;
pub(crate) use view::digital_view;

use crate::twin::Map;

/// What marks a component, on both sides of the properties.
const MARKER: &str = "__t";

/// The members of a component, if the value is one.
fn component(value: &Value) -> Option<&Map> {
    value.as_object().filter(|members| members.get(MARKER).is_some_and(|marker| marker == "c"))
}
