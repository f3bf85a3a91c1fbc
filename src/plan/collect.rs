//! From the looks at many twins to one plan.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use serde_json::value::RawValue;

use super::{
    Counts, Delta, DeviceChange, Group, GroupKind, Look, Notice, Plan, PlanError, PlannedDevice, Planner, Rival, Why,
    idle::Idle,
};
use crate::{
    fleet::{Device, Finding, IdentitySpec, Severity},
    twin::{DeviceId, PropertyPath, Section, TwinRow},
};

/// Folds the changes of devices into groups. Several collectors may work on parts of a fleet; [`Self::merge`]
/// joins them.
pub struct Collector {
    planner: Arc<Planner>,
    counts: Counts,
    groups: HashMap<Box<str>, Group>,
    notices: Notices,
    declared: HashSet<DeviceId>,
    findings: Vec<Finding>,
    idle: Idle,
}

/// What a device's planned write starts from.
struct Start {
    etag: Option<Box<str>>,
    register: Option<Box<IdentitySpec>>,
}

impl Collector {
    /// Nothing collected yet.
    pub fn new(planner: Arc<Planner>) -> Self {
        Self {
            idle: Idle::of(planner.fleet()),
            planner,
            counts: Counts::default(),
            groups: HashMap::new(),
            notices: Notices::default(),
            declared: HashSet::new(),
            findings: Vec::new(),
        }
    }

    /// Looks at a twin and keeps what it needs. What is wrong with the fleet for this twin becomes a finding.
    ///
    /// # Errors
    /// When the row is no twin.
    pub fn take(&mut self, row: &TwinRow<'_>) -> Result<(), PlanError> {
        if row.module_id.is_some() {
            return Ok(());
        }
        if let Some((id, _)) = self.planner.fleet().devices.get_key_value(&*row.device_id) {
            self.declared.insert(id.clone());
        }
        self.counts.examined += 1;
        match self.planner.look(row) {
            Ok(look) => {
                let start = Start { etag: Some(row.etag.as_ref().into()), register: None };
                let id = row.id().map_err(PlanError::from);
                self.keep(id, look, start)
            }
            Err(PlanError::Unresolved(unresolved)) => {
                self.found(&unresolved.findings);
                Ok(())
            }
            Err(fault) => Err(fault),
        }
    }

    /// Looks at the declared devices that the hub did not show, those for which `asked` says that it would have:
    /// to be called when all twins were taken. Those with an `identity` are planned to be registered.
    ///
    /// # Errors
    /// When a new device's change cannot be worked out.
    pub fn take_unregistered(&mut self, asked: &(impl Fn(&DeviceId) -> bool + ?Sized)) -> Result<(), PlanError> {
        let missing = self.planner.fleet().devices.iter().filter(|(id, _)| !self.declared.contains(*id) && asked(id));
        let missing: Vec<(DeviceId, Arc<Device>)> = missing.map(|(id, device)| (id.clone(), device.clone())).collect();
        for (id, device) in missing {
            let Some(identity) = &device.identity else {
                self.notices.add("not-registered", "", &id);
                if let (false, Ok(look)) = (self.idle.is_empty(), self.planner.look_at_new(&id)) {
                    self.idle.note(&look.wanted);
                }
                continue;
            };
            match self.planner.look_at_new(&id) {
                Ok(look) => {
                    let start = Start { etag: None, register: Some(Box::new(identity.clone())) };
                    self.keep(Ok(id), look, start)?;
                }
                Err(PlanError::Unresolved(unresolved)) => self.found(&unresolved.findings),
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    fn found(&mut self, findings: &[Finding]) {
        gather(&mut self.findings, findings);
    }

    fn keep(&mut self, id: Result<DeviceId, PlanError>, look: Look, start: Start) -> Result<(), PlanError> {
        self.counts.managed += u64::from(look.managed);
        self.idle.note(&look.wanted);
        if look.change.is_none() && look.contested.is_empty() && look.base_lost.is_none() {
            self.counts.unchanged += u64::from(look.selected || look.managed);
            self.counts.unselected += u64::from(!look.selected && !look.managed);
            return Ok(());
        }
        let id = id?;
        if let Some(revision) = &look.base_lost {
            self.notices.add("base-unavailable", revision, &id);
        }
        for (path, rival) in &look.contested {
            self.notices.add("contested", &contested(path, rival), &id);
        }
        match look.change {
            Some(change) => self.group(id, &change, start, look.managed),
            None => self.counts.unchanged += 1,
        }
        Ok(())
    }

    fn group(&mut self, device: DeviceId, change: &DeviceChange, start: Start, managed: bool) {
        let planned = PlannedDevice { device, etag: start.etag, managed, register: start.register };
        let key = key(change);
        if let Some(group) = self.groups.get_mut(&*key) {
            group.devices.push(planned);
            return;
        }
        let raw = |text: &String| RawValue::from_string(text.clone()).ok().map(Arc::from);
        let (Some(patch), before) = (raw(&change.patch), change.before.as_ref().and_then(raw)) else { return };
        let redacted = self.planner.redacted(change).as_ref().and_then(raw);
        let deltas = change.changes.iter().map(|(section, c)| self.delta(*section, c, change)).collect();
        let kind = if change.has_changes() { GroupKind::Change } else { GroupKind::Adopt };
        self.groups.insert(key, Group { kind, deltas, patch, before, redacted, devices: vec![planned] });
    }

    fn delta(&self, section: Section, change: &super::diff::Change, device: &DeviceChange) -> Delta {
        let path = section.path(change.keys.iter().cloned());
        let origin = match change.why {
            Why::Prune => None,
            Why::Pending | Why::Edited { .. } | Why::Forbidden => {
                self.planner.resolver().origin(&device.class.wanted, &path)
            }
        };
        let claimed = device.claims().iter().find(|(claimed, _)| *claimed == path).map(|(_, fleets)| fleets.clone());
        Delta {
            secret: device.class.is_secret(&path) || self.planner.marks(&path, [&change.from, &change.to]),
            path,
            from: change.from.clone(),
            to: change.to.clone(),
            why: change.why.clone(),
            origin,
            claimed,
        }
    }

    /// Takes over what another collector has of other twins.
    pub fn merge(&mut self, other: Self) {
        self.counts.examined += other.counts.examined;
        self.counts.unchanged += other.counts.unchanged;
        self.counts.managed += other.counts.managed;
        self.counts.unselected += other.counts.unselected;
        self.declared.extend(other.declared);
        self.found(&other.findings);
        self.notices.merge(other.notices);
        self.idle.merge(&other.idle);
        for (key, mut group) in other.groups {
            match self.groups.get_mut(&key) {
                Some(here) => here.devices.append(&mut group.devices),
                None => {
                    self.groups.insert(key, group);
                }
            }
        }
    }

    /// The plan; or what is wrong with the fleet, when it contradicts itself for a device that exists.
    ///
    /// # Errors
    /// Findings, when one of them stops a plan.
    pub fn finish(self) -> Result<Plan, Vec<Finding>> {
        if self.findings.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(self.findings);
        }
        let mut groups: Vec<Group> = self.groups.into_values().collect();
        for group in &mut groups {
            group.devices.sort_by(|a, b| a.device.cmp(&b.device));
        }
        groups.sort_by(|a, b| {
            let first = |group: &Group| group.devices.first().map(|d| d.device.clone());
            (a.kind, b.devices.len(), first(a), a.patch.get()).cmp(&(b.kind, a.devices.len(), first(b), b.patch.get()))
        });
        Ok(Plan {
            fleet: self.planner.fleet().name.clone(),
            revision: self.planner.revision().to_owned(),
            groups,
            counts: self.counts,
            notices: self.notices.finish(),
            idle: self.idle.finish(),
            hash: None,
            quota: None,
            rulings: Vec::new(),
        })
    }
}

/// Most findings that are kept: whoever has as many has them for one reason.
const FINDINGS: usize = 1000;

/// Keeps findings once each, however many devices have them.
pub(crate) fn gather(kept: &mut Vec<Finding>, more: &[Finding]) {
    for finding in more {
        if kept.len() >= FINDINGS {
            return;
        }
        if !kept.contains(finding) {
            kept.push(finding.clone());
        }
    }
}

/// Changes are the same when they write the same and replace the same. The patch alone does not tell what goes: one of
/// a component that devices read whole holds what is left.
fn key(change: &DeviceChange) -> Box<str> {
    let mut key = change.patch.clone();
    for (_, change) in &change.changes {
        for step in &change.keys {
            key.push('\n');
            key.push_str(step);
        }
        key.push('=');
        if let Some(from) = &change.from {
            key.push_str(&from.to_string());
        }
    }
    for (path, fleets) in change.claims() {
        key.push_str("\nclaimed ");
        key.push_str(&path.to_string());
        key.push_str(fleets);
    }
    key.into()
}

/// Most devices named by a notice.
const SAMPLES: usize = 5;

/// The first few by name: in whatever order twins come, the same are told.
fn keep_first(samples: &mut Vec<DeviceId>, more: impl IntoIterator<Item = DeviceId>) {
    samples.extend(more);
    samples.sort();
    samples.truncate(SAMPLES);
}

/// Notices by id and subject.
#[derive(Default)]
struct Notices(BTreeMap<(&'static str, String), (u64, Vec<DeviceId>)>);

impl Notices {
    fn add(&mut self, id: &'static str, about: &str, device: &DeviceId) {
        let (count, samples) = self.0.entry((id, about.to_owned())).or_default();
        *count += 1;
        keep_first(samples, [device.clone()]);
    }

    fn merge(&mut self, other: Self) {
        for (key, (more, devices)) in other.0 {
            let (count, samples) = self.0.entry(key).or_default();
            *count += more;
            keep_first(samples, devices);
        }
    }

    fn finish(self) -> Vec<Notice> {
        let notice = |((id, about), (devices, samples)): ((&'static str, String), _)| Notice {
            id,
            message: message(id, &about),
            devices,
            samples,
        };
        self.0.into_iter().map(notice).collect()
    }
}

fn contested(path: &PropertyPath, rival: &Rival) -> String {
    match rival {
        Rival::Configuration(id) => format!(
            "`{path}` is also written by the IoT Hub configuration `{id}`: left to it; take the path out of one of the two"
        ),
        Rival::Unknown(times) => format!(
            "`{path}` was written {times} times, and each time something else was put in its place: left as it is until a \
             commit changes it; find out who else writes it"
        ),
    }
}

fn message(id: &str, about: &str) -> String {
    match id {
        "base-unavailable" => format!(
            "revision {about}, which these twins were last brought to, is not in this repository: nothing is pruned \
             from them; fetch the whole history (`git fetch --unshallow`)"
        ),
        "not-registered" => "declared, but the hub does not know them: register them, or give their documents an \
                             `identity`"
            .to_owned(),
        // The others have said what they are about.
        _ => about.to_owned(),
    }
}
