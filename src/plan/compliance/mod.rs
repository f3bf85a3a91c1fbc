//! Whether a device is what its twin asks for, by the published conventions (one file each).

mod dm1;
mod dm2;
mod echo;
mod pnp;

use std::sync::Arc;

use serde_json::Value;

use super::Verdict;
use crate::{
    component::{Convention, Piece},
    twin::{Map, Properties, get},
};

/// What the device has to say about one property.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    /// Keys of the property below `properties.desired`.
    pub(super) keys: Vec<Arc<str>>,
    pub(super) verdict: Verdict,
    /// What it reports as the value.
    pub(super) reported: Option<Value>,
    /// Since when, ISO 8601.
    pub(super) since: Option<String>,
    pub(super) message: Option<String>,
}

/// The two halves of a twin that a convention compares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Halves<'a> {
    pub(super) desired: &'a Properties,
    pub(super) reported: &'a Properties,
    pub(super) connected: bool,
}

/// The answers to one component whose desired value is as git wants it.
pub(super) fn check(piece: &Piece<'_>, twin: Halves<'_>) -> Vec<Answer> {
    let (keys, wanted) = (&*piece.keys, piece.value);
    match piece.convention() {
        Convention::Pnp => pnp::check(keys, wanted, twin),
        Convention::Dm1 => dm1::check(keys, wanted, twin),
        Convention::Dm2 => dm2::check(keys, wanted, twin),
        Convention::Echo => echo::check(keys, wanted, twin),
    }
}

impl Halves<'_> {
    /// No answer yet: it may come, unless nobody is there to give it.
    fn waiting(self) -> Verdict {
        if self.connected { Verdict::Pending } else { Verdict::Unreachable }
    }

    fn reported(&self, keys: &[Arc<str>]) -> Option<&Value> {
        get(&self.reported.values, keys)
    }

    /// `$lastUpdated` of the nearest node on the way to `keys`: arrays and acks have inner parts without one.
    fn desired_since(&self, keys: &[Arc<str>]) -> Option<&str> {
        stamp(self.desired, keys)
    }

    fn reported_since(&self, keys: &[Arc<str>]) -> Option<&str> {
        stamp(self.reported, keys)
    }

    /// The device said this before it could know what is desired now. Both times are the hub's.
    fn is_outdated(&self, desired: &[Arc<str>], reported: &[Arc<str>]) -> bool {
        let moment = |text: &str| text.parse::<jiff::Timestamp>().ok();
        let asked = self.desired_since(desired).and_then(moment);
        let said = self.reported_since(reported).and_then(moment);
        matches!((asked, said), (Some(asked), Some(said)) if said < asked)
    }
}

fn stamp<'a>(half: &'a Properties, keys: &[Arc<str>]) -> Option<&'a str> {
    let found = (0..=keys.len()).rev().find_map(|n| half.metadata_at(&keys[..n]))?;
    found.get("$lastUpdated")?.as_str()
}

/// Whether the device's value is the wanted one. It may hold more members than were asked for: defaults, read-outs.
fn covers(reported: &Value, wanted: &Value) -> bool {
    match (reported, wanted) {
        (Value::Object(reported), Value::Object(wanted)) => wanted
            .iter()
            .filter(|(_, value)| !value.is_null())
            .all(|(key, value)| reported.get(key).is_some_and(|reported| covers(reported, value))),
        _ => crate::twin::same(reported, wanted),
    }
}

fn below(keys: &[Arc<str>], key: &str) -> Vec<Arc<str>> {
    keys.iter().cloned().chain([key.into()]).collect()
}

fn own(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn text(map: &Map, key: &str) -> Option<String> {
    map.get(key).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}
