//! From the looks at many twins to one plan.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use super::{
    Counts, Look, Notice, Plan, PlanError, PlannedDevice, Planner, Rival,
    groups::Groups,
    idle::Idle,
    moves::Moves,
    rollout::{Course, Place, Tally, Terms},
};
use crate::{
    fleet::{Device, Finding, IdentitySpec, Severity},
    twin::{DeviceId, PropertyPath, TwinRow},
};

/// Folds the changes of devices into groups. Several collectors may work on parts of a fleet; [`Self::merge`]
/// joins them.
pub struct Collector {
    planner: Arc<Planner>,
    counts: Counts,
    groups: Groups,
    /// What a rollout has a say in, by wave and by whether its window is open. It is kept until all twins were looked
    /// at, because one wave's twins decide about the next one's: a second pass would cost the hub every page again, and
    /// the changes that wait are no more than a plan without rollouts holds.
    governed: BTreeMap<(Place, bool), Groups>,
    rollouts: Option<Tally>,
    course: Option<Course>,
    notices: Notices,
    declared: HashSet<DeviceId>,
    findings: Vec<Finding>,
    idle: Idle,
    moves: Moves,
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
            groups: Groups::default(),
            governed: BTreeMap::new(),
            rollouts: None,
            course: None,
            notices: Notices::default(),
            declared: HashSet::new(),
            findings: Vec::new(),
            moves: Moves::default(),
        }
    }

    /// The same, with rollouts in effect.
    #[must_use]
    pub fn with_rollouts(self, terms: Terms) -> Self {
        let rollouts = Tally::new(Arc::clone(&self.planner), terms);
        Self { rollouts: Some(rollouts), ..self }
    }

    /// The same, where it is known already how the rollouts stand: the twins that are looked at do not tell.
    #[must_use]
    pub fn within(self, course: Course) -> Self {
        Self { course: Some(course), ..self }
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
        self.look(row, || Start { etag: Some(row.etag.as_ref().into()), register: None })
    }

    fn look(&mut self, row: &TwinRow<'_>, start: impl FnOnce() -> Start) -> Result<(), PlanError> {
        match self.planner.look(row) {
            Ok(look) => {
                let place = match &mut self.rollouts {
                    Some(rollouts) => rollouts.take(row, &look)?,
                    None => None,
                };
                self.keep(row.id().map_err(PlanError::from), look, start, place)
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
            let twin = Planner::new_twin(&id);
            let row = TwinRow::parse(&twin)?;
            let Some(identity) = &device.identity else {
                self.notices.add("not-registered", "", &id);
                if let (false, Ok(look)) = (self.idle.is_empty(), self.planner.look(&row)) {
                    self.idle.note(&look.wanted);
                }
                continue;
            };
            let start = || Start { etag: None, register: Some(Box::new(identity.clone())) };
            self.look(&row, start)?;
        }
        Ok(())
    }

    fn found(&mut self, findings: &[Finding]) {
        gather(&mut self.findings, findings);
    }

    fn keep(
        &mut self,
        id: Result<DeviceId, PlanError>,
        look: Look,
        start: impl FnOnce() -> Start,
        place: Option<(Place, bool)>,
    ) -> Result<(), PlanError> {
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
            Some(change) => {
                self.moves.note(&change.class, &id);
                let Start { etag, register } = start();
                let planned = PlannedDevice { device: id, etag, managed: look.managed, register };
                let groups = match place {
                    Some(place) => self.governed.entry(place).or_default(),
                    None => &mut self.groups,
                };
                groups.add(&self.planner, &change, planned);
            }
            None => self.counts.unchanged += 1,
        }
        Ok(())
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
        self.groups.merge(other.groups);
        self.moves.merge(other.moves);
        for (place, groups) in other.governed {
            self.governed.entry(place).or_default().merge(groups);
        }
        if let Some((here, there)) = self.rollouts.as_mut().zip(other.rollouts) {
            here.merge(there);
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
        let rollouts = self.course.or_else(|| self.rollouts.map(Tally::course)).unwrap_or_default();
        let (mut groups, mut held) = (self.groups, Groups::default());
        for ((place, in_window), governed) in self.governed {
            let now = in_window && rollouts.is_open(place);
            if now { groups.merge(governed) } else { held.merge(governed) }
        }
        Ok(Plan {
            fleet: self.planner.fleet().name.clone(),
            revision: self.planner.revision().to_owned(),
            groups: groups.finish(),
            held: held.finish(),
            rollouts,
            counts: self.counts,
            notices: self.notices.finish(),
            idle: self.idle.finish(),
            moves: self.moves.finish(self.planner.fleet()),
            hash: None,
            quota: None,
            rulings: Vec::new(),
            margins: Vec::new(),
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

/// Most devices named by a notice.
const SAMPLES: usize = 5;

/// The first few by name: in whatever order twins come, the same are told.
pub(super) fn keep_first(samples: &mut Vec<DeviceId>, more: impl IntoIterator<Item = DeviceId>) {
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
