//! A patch without its secrets: what may be kept and hashed.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{class::Class, planner::Planner};
use crate::twin::{Map, PropertyPath, Section, get, set_path};

/// What stands in the place of a secret.
const INSTEAD: &str = "(secret)";

/// The patch with every secret replaced, or `None` when it holds none. Where something is taken out, nothing is hidden.
pub(super) fn redacted(planner: &Planner, class: &Class, patch: &str) -> Option<String> {
    // A text that is no JSON was never made by the planner.
    let mut patch: Value = serde_json::from_str(patch).ok()?;
    let desired = patch.pointer("/properties/desired").and_then(Value::as_object);
    let marked = desired.map(|desired| planner.resolver().registry().sensitive(desired)).unwrap_or_default();
    let mut paths: Vec<PropertyPath> = class.secrets().cloned().collect();
    paths.extend(marked.into_iter().map(|way| Section::Desired.path(way)));
    let mut found = false;
    for path in &paths {
        let pointer = if path.section == Section::Tags { "/tags" } else { "/properties/desired" };
        if let Some(section) = patch.pointer_mut(pointer).and_then(Value::as_object_mut) {
            found |= hide(section, &path.keys);
        }
    }
    found.then(|| patch.to_string())
}

fn hide(section: &mut Map, keys: &[Arc<str>]) -> bool {
    let is_there = get(section, keys).is_some_and(|value| !value.is_null());
    if is_there {
        set_path(section, keys, json!(INSTEAD));
    }
    is_there
}
