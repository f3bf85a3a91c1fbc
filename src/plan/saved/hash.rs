//! The hash of a plan: what somebody who reads it approves.
//!
//! It depends on what is written to which device of which hub, and on what the reader was told stands there now. It does
//! not depend on the order of devices, on the time, on etags, or on the name of the commit: a merge gives the same
//! content another name. Secrets are not in it. `docs/plans.md` has the definition.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

use serde_json::{Value, json, value::RawValue};
use sha2::{Digest as _, Sha256};

use super::file::SavedChange;
use crate::plan::{Group, Plan, PlannedDevice};

/// What is hashed, and how: another one means another hash for the same plan.
const HEADER: &str = "twinops plan 1";

/// The hash of a plan for a hub: `sha256:` and 64 hexadecimal digits.
pub fn hash(plan: &Plan, hub: &str) -> String {
    let mut devices: Vec<[u8; 32]> = Vec::with_capacity(plan.groups.iter().map(|group| group.devices.len()).sum());
    for group in &plan.groups {
        let of_group = of_group(&plan.fleet, group);
        let of = |planned: &PlannedDevice| of_device(&of_group, Some(planned.device.as_str()), planned);
        devices.extend(group.devices.iter().map(of));
    }
    devices.sort_unstable();
    let mut all = Sha256::new();
    for text in [HEADER, &plan.fleet, hub] {
        all.update(text.as_bytes());
        all.update([0]);
    }
    for device in &devices {
        all.update(device);
    }
    hexadecimal("sha256:", &all.finalize())
}

/// What happens to devices of these groups, without their names: 32 hexadecimal digits for each change that there is. A
/// later wave of a rollout brings the changes that its first wave did, to other devices.
pub fn changes<'g>(fleet: &str, groups: impl IntoIterator<Item = &'g Group>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for group in groups {
        let of_group = of_group(fleet, group);
        found.extend(group.devices.iter().map(|planned| of_device(&of_group, None, planned)));
    }
    found.iter().map(|change| hexadecimal("", &change[..16])).collect()
}

fn hexadecimal(start: &str, bytes: &[u8]) -> String {
    bytes.iter().fold(start.to_owned(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// What all devices of a group have in common.
fn of_group(fleet: &str, group: &Group) -> [u8; 32] {
    let shown = group.redacted.as_ref().unwrap_or(&group.patch);
    let changes: Vec<SavedChange<'_>> = group.deltas.iter().map(SavedChange::from).collect();
    let text = json!([changes, patch(fleet, shown), group.before.as_ref().map(parsed)]).to_string();
    Sha256::digest(text.as_bytes()).into()
}

fn of_device(group: &[u8; 32], name: Option<&str>, planned: &PlannedDevice) -> [u8; 32] {
    let text = json!([name, planned.register]).to_string();
    Sha256::new().chain_update(group).chain_update(text.as_bytes()).finalize().into()
}

/// A patch without the name of the commit that it brings a twin to.
fn patch(fleet: &str, text: &Arc<RawValue>) -> Value {
    let mut patch = parsed(text);
    let marker = patch.get_mut("tags").and_then(|tags| tags.get_mut("twinops")?.get_mut(fleet));
    if let Some(Value::Object(marker)) = marker {
        marker.remove("revision");
    }
    let agent = patch.get_mut("properties").and_then(|properties| properties.get_mut("desired")?.get_mut("twinops"));
    if let Some(Value::Object(agent)) = agent {
        agent.remove("revision");
    }
    patch
}

/// As a tree, whose members are in order whatever order the text has them in.
fn parsed(text: &Arc<RawValue>) -> Value {
    serde_json::from_str(text.get()).unwrap_or_default()
}
