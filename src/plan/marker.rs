//! The marker `tags.twinops.<fleet>`: which commit last changed a twin, and which documents made it up.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    fleet::Wanted,
    twin::{Map, PropertyPath, Section},
};

/// The tag that holds the markers of all fleets.
const TAG: &str = "twinops";

/// What a marker says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Marker<'a> {
    /// The commit whose state was last written.
    #[serde(borrow)]
    pub revision: Cow<'a, str>,
    /// The documents that applied then, weakest first: `Profile/base`.
    #[serde(borrow, default)]
    pub sources: Vec<Cow<'a, str>>,
    /// How often values were written again because something else stood in their place, by path and value.
    #[serde(borrow, default)]
    pub returned: BTreeMap<Cow<'a, str>, u32>,
    /// On a device of a rollout: the commit before, which a rollback restores.
    #[serde(borrow, default)]
    pub previous: Option<Cow<'a, str>>,
    /// The commit that a rollout has taken back from this device.
    #[serde(borrow, default)]
    pub rejected: Option<Cow<'a, str>>,
}

/// What a marker says of commits.
pub(super) struct Signature<'a> {
    pub(super) revision: &'a str,
    pub(super) previous: Option<&'a str>,
    pub(super) rejected: Option<&'a str>,
}

impl<'a> Marker<'a> {
    /// The marker of this fleet, if the tags carry one that can be read.
    pub fn find(fleet: &str, tags: &'a Map) -> Option<Self> {
        Self::deserialize(tags.get(TAG)?.get(fleet)?).ok()
    }
}

/// Writes this fleet's marker into the tags of a patch. What the live one says of rollouts and this one does not is
/// taken out: a patch is merged.
pub(super) fn write(
    fleet: &str,
    signature: &Signature<'_>,
    wanted: &Wanted,
    returned: Option<Value>,
    live: &Map,
    tags: &mut Map,
) {
    let sources: Vec<&str> = wanted.sources.iter().map(|source| &**source).collect();
    let mut marker = json!({ "revision": signature.revision, "sources": sources });
    if let Some(returned) = returned {
        marker["returned"] = returned;
    }
    let there = live.get(TAG).and_then(|all| all.get(fleet));
    for (name, value) in [("previous", signature.previous), ("rejected", signature.rejected)] {
        if value.is_some() || there.is_some_and(|marker| marker.get(name).is_some()) {
            marker[name] = value.into();
        }
    }
    tags.insert(TAG.to_owned(), json!({ fleet: marker }));
}

/// Takes this fleet's marker out, and with it the tag when no other fleet is left in it.
pub(super) fn remove(fleet: &str, live: &Map, tags: &mut Map) {
    let gone = if is_shared(fleet, live) { json!({ fleet: null }) } else { Value::Null };
    tags.insert(TAG.to_owned(), gone);
}

/// Whether another fleet has a marker on this twin too.
pub(super) fn is_shared(fleet: &str, live: &Map) -> bool {
    live.get(TAG).and_then(Value::as_object).is_some_and(|all| all.keys().any(|name| name != fleet))
}

/// The other fleets that have a marker on this twin: `a, b`; `None` without any.
pub(super) fn others(fleet: &str, live: &Map) -> Option<Arc<str>> {
    let markers = live.get(TAG).and_then(Value::as_object)?;
    let names: Vec<&str> = markers.keys().map(String::as_str).filter(|name| *name != fleet).collect();
    (!names.is_empty()).then(|| names.join(", ").into())
}

/// Where the markers lie: nobody's to plan.
pub(super) fn is_ours(path: &PropertyPath) -> bool {
    path.section == Section::Tags && path.keys.first().is_some_and(|key| **key == *TAG)
}
