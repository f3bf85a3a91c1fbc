//! The convention of IoT Plug and Play for components and for the answers to writable properties (protocol
//! reference 15).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::twin::Map;

/// The member that marks an object as a component, in desired and in reported.
pub const MARKER: &str = "__t";

/// What the marker holds.
pub const COMPONENT: &str = "c";

/// The component in which the reconciler and the agent speak of the whole device.
pub const TWINOPS: &str = "twinops";

/// The answer of a device to one writable property.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ack {
    /// The value in effect, as a fresh read returned it; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// How it went; one of [`code`], in the manner of HTTP.
    pub ac: u16,
    /// The `desired.$version` that is being answered; 0 with [`code::INITIAL`].
    pub av: u64,
    /// A word of explanation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ad: Option<String>,
}

/// The codes that an [`Ack`] carries.
pub mod code {
    /// Applied.
    pub const APPLIED: u16 = 200;
    /// Accepted and in progress.
    pub const IN_PROGRESS: u16 = 202;
    /// An initial value that the device set by itself.
    pub const INITIAL: u16 = 203;
    /// Rejected: the value is invalid.
    pub const INVALID: u16 = 400;
    /// Rejected: this device does not allow it.
    pub const FORBIDDEN: u16 = 403;
    /// Skipped, because what it depends on failed.
    pub const SKIPPED: u16 = 424;
    /// The device failed to apply it.
    pub const FAILED: u16 = 500;
    /// The device does not know this component or property.
    pub const UNSUPPORTED: u16 = 501;
}

/// Whether `value` is an object that carries the marker of a component.
pub fn is_component(value: &Value) -> bool {
    value.get(MARKER).and_then(Value::as_str) == Some(COMPONENT)
}

/// The properties of a component: its members but for the marker.
pub fn properties(component: &Map) -> impl Iterator<Item = (&String, &Value)> {
    component.iter().filter(|(name, _)| *name != MARKER)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_leaves_out_what_it_does_not_know() {
        let ack = Ack { value: None, ac: code::UNSUPPORTED, av: 3, ad: None };
        assert_eq!(serde_json::to_value(ack).unwrap(), json!({"ac": 501, "av": 3}));
    }

    #[test]
    fn only_marked_objects_are_components() {
        assert!(is_component(&json!({"__t": "c"})));
        for other in [json!({"__t": "x"}), json!({}), json!("c"), json!(null)] {
            assert!(!is_component(&other), "{other}");
        }
    }

    #[test]
    fn the_marker_is_no_property() {
        let Value::Object(component) = json!({"__t": "c", "a": 1}) else { panic!("an object") };
        assert_eq!(properties(&component).map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a"]);
    }
}
