//! What a plan breaks, guard by guard.

use std::collections::BTreeMap;

use super::{exempt::Exemption, margin};
use crate::{
    fleet::{Fleet, GuardName, GuardSpec},
    plan::{Delta, Group, GroupKind, Plan, PlannedDevice, Why},
    twin::{DeviceId, PropertyPath},
};

/// Most devices named.
const SAMPLES: usize = 5;

/// A guard that a plan breaks, once for each thing that it breaks it with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Breach {
    /// The protected path, the profile, the other fleet and the path; empty where there is but one.
    pub(super) subject: String,
    pub(super) message: String,
    pub(super) tally: Tally,
}

/// Devices counted, and a few of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) devices: u64,
    pub(super) samples: Vec<DeviceId>,
}

impl Tally {
    fn add(&mut self, device: &DeviceId) {
        self.devices += 1;
        if self.samples.len() < SAMPLES {
            self.samples.push(device.clone());
        }
    }
}

/// All that the plan breaks of one guard, when what `exempt` covers is not looked at.
pub(super) fn find(
    guard: GuardName,
    fleet: &Fleet,
    plan: &Plan,
    whole: bool,
    exempt: &[&Exemption<'_>],
) -> Vec<Breach> {
    let nothing = GuardSpec::default();
    let spec = fleet.spec.guard.as_ref().unwrap_or(&nothing);
    let tallies = || tallies(guard, fleet, plan, exempt);
    match guard {
        GuardName::MaxChanged | GuardName::MaxPruned | GuardName::MaxAdopted => {
            margin::most(guard, spec, plan.counts.managed)
                .map_or_else(Vec::new, |most| over(guard, spec, plan, most, tallies()))
        }
        GuardName::Protect | GuardName::OtherFleet => tallies().into_iter().map(touched).collect(),
        GuardName::SelectsNothing => idle(plan, whole, exempt),
        GuardName::EmptyFleet => empty(fleet, plan, exempt).into_iter().collect(),
    }
}

type Tallies = BTreeMap<(String, String), Tally>;

/// Devices that a guard counts, whatever it allows.
pub(super) fn counted(guard: GuardName, fleet: &Fleet, plan: &Plan) -> u64 {
    tallies(guard, fleet, plan, &[]).values().map(|tally| tally.devices).sum()
}

fn over(guard: GuardName, spec: &GuardSpec, plan: &Plan, most: u64, tallies: Tallies) -> Vec<Breach> {
    let share = |limit: &Option<String>, what: &str, devices: u64| {
        let (managed, limit) = (plan.counts.managed, limit.as_deref().unwrap_or_default());
        format!("{what} on {devices} of {managed} managed devices; at most {limit} are allowed")
    };
    let message = |devices: u64| match guard {
        GuardName::MaxChanged => share(&spec.max_changed, "values change", devices),
        GuardName::MaxPruned => share(&spec.max_pruned, "values are pruned", devices),
        _ => format!("{devices} devices are taken over for the first time; at most {most} are allowed"),
    };
    let over = tallies.into_values().filter(|tally| tally.devices > most);
    over.map(|tally| Breach { subject: String::new(), message: message(tally.devices), tally }).collect()
}

/// A path that somebody else answers for: `who` is the other fleet, or nobody where it is protected.
fn touched(((who, path), tally): ((String, String), Tally)) -> Breach {
    let devices = tally.devices;
    let message = if who.is_empty() {
        format!("the protected path `{path}` would change on {devices} devices")
    } else {
        format!(
            "`{path}` would be set on {devices} devices that carry the marker of the fleet `{who}` and hold a value \
             there that this fleet never declared"
        )
    };
    Breach { subject: format!("{who} {path}"), message, tally }
}

fn idle(plan: &Plan, whole: bool, exempt: &[&Exemption<'_>]) -> Vec<Breach> {
    if !whole {
        return Vec::new();
    }
    let free = |profile: &str| exempt.iter().any(|exemption| exemption.covers_profile(profile));
    let profiles = plan.idle.iter().filter(|profile| !free(profile));
    profiles
        .map(|profile| Breach {
            subject: profile.to_string(),
            message: format!("the `where` of the profile `{profile}` selects no device"),
            tally: Tally::default(),
        })
        .collect()
}

fn empty(fleet: &Fleet, plan: &Plan, exempt: &[&Exemption<'_>]) -> Option<Breach> {
    let managed = plan.counts.managed;
    let is_empty = fleet.profiles.is_empty() && fleet.devices.is_empty();
    (is_empty && managed > 0 && exempt.is_empty()).then(|| Breach {
        subject: String::new(),
        message: format!("the repository declares no profile and no device, and {managed} devices carry its marker"),
        tally: Tally { devices: managed, samples: Vec::new() },
    })
}

/// Counts the devices that a guard sees something of, by who answers for it and where it is.
fn tallies(guard: GuardName, fleet: &Fleet, plan: &Plan, exempt: &[&Exemption<'_>]) -> Tallies {
    let protected = if guard == GuardName::Protect { protected(fleet) } else { Vec::new() };
    let mut all = Tallies::new();
    // What a rollout takes back was there before: no share may stand in its way.
    let is_share = matches!(guard, GuardName::MaxChanged | GuardName::MaxPruned);
    for group in plan.groups.iter().filter(|group| !(is_share && group.goes_back)) {
        for (subject, paths) in seen(guard, &protected, group) {
            let tally = all.entry(subject).or_default();
            let counted = group.devices.iter().filter(|planned| counts(guard, planned));
            for planned in counted.filter(|planned| !is_covered(exempt, &planned.device, &paths)) {
                tally.add(&planned.device);
            }
        }
    }
    all.retain(|_, tally| tally.devices > 0);
    all
}

/// What a guard sees of the changes of a group: the paths by subject. For the guard of adoptions, which sees devices,
/// there are none.
fn seen<'g>(
    guard: GuardName,
    protected: &[PropertyPath],
    group: &'g Group,
) -> BTreeMap<(String, String), Vec<&'g PropertyPath>> {
    let mut seen: BTreeMap<(String, String), Vec<&PropertyPath>> = BTreeMap::new();
    if guard == GuardName::MaxAdopted {
        seen.insert(Default::default(), Vec::new());
    }
    for delta in group.deltas.iter() {
        for subject in subjects(guard, protected, group.kind, delta) {
            seen.entry(subject).or_default().push(&delta.path);
        }
    }
    seen
}

fn subjects(guard: GuardName, protected: &[PropertyPath], kind: GroupKind, delta: &Delta) -> Vec<(String, String)> {
    let once = |holds: bool| if holds { vec![Default::default()] } else { Vec::new() };
    match guard {
        GuardName::MaxChanged => once(kind == GroupKind::Change),
        GuardName::MaxPruned => once(delta.why == Why::Prune),
        GuardName::Protect => {
            let hit = protected.iter().filter(|protected| touches(&delta.path, protected));
            hit.map(|protected| (String::new(), protected.to_string())).collect()
        }
        GuardName::OtherFleet => {
            delta.claimed.iter().map(|fleet| (fleet.to_string(), delta.path.to_string())).collect()
        }
        GuardName::MaxAdopted | GuardName::SelectsNothing | GuardName::EmptyFleet => Vec::new(),
    }
}

/// Shares count devices that are ours already; adoptions count the others.
const fn counts(guard: GuardName, planned: &PlannedDevice) -> bool {
    match guard {
        GuardName::MaxChanged => planned.managed,
        GuardName::MaxAdopted => !planned.managed,
        _ => true,
    }
}

fn is_covered(exempt: &[&Exemption<'_>], device: &DeviceId, paths: &[&PropertyPath]) -> bool {
    let covered = |path| exempt.iter().any(|exemption| exemption.covers(device, path));
    if exempt.is_empty() {
        false
    } else if paths.is_empty() {
        covered(None)
    } else {
        paths.iter().all(|path| covered(Some(*path)))
    }
}

/// The paths of `protect`.
pub(super) fn protected(fleet: &Fleet) -> Vec<PropertyPath> {
    let paths = fleet.spec.guard.iter().flat_map(|guard| &guard.protect);
    paths.filter_map(|path| path.parse().ok()).collect()
}

/// Whether a change at one path changes what lies at another.
pub(super) fn touches(path: &PropertyPath, protected: &PropertyPath) -> bool {
    path.is_within(protected) || protected.is_within(path)
}
