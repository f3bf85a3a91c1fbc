//! `spec.guard`: how much one run may change. Judged on the plan, before anything is written.

use super::{DeviceChange, GroupKind, Plan, Why};
use crate::{fleet::GuardSpec, twin::PropertyPath};

/// Fewer managed devices than this, and a share says nothing.
const SHARES_FROM: u64 = 10;

/// A limit that the plan would break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The member of `spec.guard`, as it stands in YAML.
    pub guard: &'static str,
    /// What the limit is and what the plan would do.
    pub message: String,
}

/// Holds a plan against the fleet's guard. Empty: it may be carried out.
pub fn judge(guard: &GuardSpec, plan: &Plan) -> Vec<Refusal> {
    let managed = plan.counts.managed;
    let mut refusals = Vec::new();
    let mut share = |name: &'static str, limit: Option<&str>, devices: u64, what: &str| {
        let Some(percent) = limit.and_then(|limit| limit.strip_suffix('%')?.parse::<u64>().ok()) else { return };
        if managed >= SHARES_FROM && devices * 100 > percent * managed {
            let message = format!("{what} on {devices} of {managed} managed devices; at most {percent}% are allowed");
            refusals.push(Refusal { guard: name, message });
        }
    };
    share("maxChanged", guard.max_changed.as_deref(), count(plan, |_, managed| managed), "values change");
    share("maxPruned", guard.max_pruned.as_deref(), count(plan, |prunes, _| prunes), "values are pruned");
    if let Some(most) = guard.max_adopted {
        let adopted = count(plan, |_, managed| !managed);
        if adopted > most {
            let message = format!("{adopted} devices are taken over for the first time; at most {most} are allowed");
            refusals.push(Refusal { guard: "maxAdopted", message });
        }
    }
    refusals.extend(guard.protect.iter().filter_map(|path| protected(path, plan)));
    refusals
}

/// Devices of changing groups by (group prunes something, device was managed before).
fn count(plan: &Plan, wanted: impl Fn(bool, bool) -> bool) -> u64 {
    let mut devices = 0;
    for group in &plan.groups {
        let prunes = group.deltas.iter().any(|delta| delta.why == Why::Prune);
        let fresh = group.kind == GroupKind::Adopt;
        devices += group.devices.iter().filter(|d| !fresh && wanted(prunes, d.managed)).count() as u64;
        devices += group.devices.iter().filter(|d| fresh && !d.managed && wanted(false, false)).count() as u64;
    }
    devices
}

/// The protected path that a change of one device would touch: what the plan was judged by holds for a device that is
/// planned afresh, too.
pub fn protected_from(guard: &GuardSpec, change: &DeviceChange) -> Option<PropertyPath> {
    let protected = guard.protect.iter().filter_map(|path| path.parse().ok());
    protected.into_iter().find(|protected| change.paths().any(|path| is_touched(&path, protected)))
}

fn is_touched(path: &PropertyPath, protected: &PropertyPath) -> bool {
    path.is_within(protected) || protected.is_within(path)
}

fn protected(path: &str, plan: &Plan) -> Option<Refusal> {
    let protected: PropertyPath = path.parse().ok()?;
    let touches = |path: &PropertyPath| is_touched(path, &protected);
    let hit: u64 = plan
        .groups
        .iter()
        .filter(|group| group.deltas.iter().any(|delta| touches(&delta.path)))
        .map(|group| group.devices.len() as u64)
        .sum();
    (hit > 0).then(|| Refusal {
        guard: "protect",
        message: format!("the protected path `{protected}` would change on {hit} devices"),
    })
}
