//! From all twins of a hub to a model: pages stream in, all cores compare, and no twin is kept.

use std::{collections::HashMap, sync::Arc, time::Instant};

use futures_util::Stream;
use jiff::Timestamp;

use super::{
    Counts, Detail, Model, Names, Row, Shared,
    detail::{self, shown},
    names::NONE,
    needs::{self, Causes},
    row::FACETS,
};
use crate::{
    fleet::Finding,
    plan::{
        Collector, DeviceVerdict, PlanError, Planner, Verdict, component_of, gather,
        rollout::{Place, Tally, Terms},
    },
    portal::repository::Declared,
    reconcile::{
        ports::{HubError, Page},
        survey::{SurveyError, fold},
    },
    twin::{PropertyPath, TwinRow, get},
};

/// Values of one tag that are told apart.
const VALUES: usize = 1000;
/// Components that are told apart: a bit each.
const COMPONENTS: usize = 61;
/// Devices of which it is kept what has drifted: the worst.
const DETAILED: usize = 2000;
/// Devices to be changed beyond which the guards are not asked: a plan of more would take too much memory here.
const PLANNED: usize = 200_000;
/// Paths that causes are counted by.
const CAUSES: usize = 500;

/// The part of a model that comes from some pages.
struct Part {
    rows: Vec<Row>,
    details: Vec<(Verdict, Box<str>, Vec<Detail>)>,
    causes: Causes,
    rollouts: Tally,
    plan: Option<Collector>,
    /// Devices whose twins are to be changed.
    changing: usize,
    findings: Vec<Finding>,
}

/// What the parts are made with.
struct Maker {
    planner: Arc<Planner>,
    shared: Arc<Shared>,
    terms: Terms,
}

/// Reads all twins of the pages, and tells devices apart by the values of `facets`.
///
/// # Errors
/// When the hub or a twin cannot be read.
pub(in crate::portal) async fn survey(
    pages: impl Stream<Item = Result<Page, HubError>>,
    declared: Declared,
    facets: &[PropertyPath],
) -> Result<Model, SurveyError> {
    let (taken, start) = (Timestamp::now(), Instant::now());
    let planner = Arc::clone(&declared.planner);
    let terms = Terms { now: taken, approved: std::collections::BTreeSet::new() };
    let maker = Arc::new(Maker { shared: Arc::new(Shared::new(facets)), planner, terms });
    let mut all = maker.begin();
    let (begin, take) = (Arc::clone(&maker), Arc::clone(&maker));
    let take = move |part: &mut Part, row: &TwinRow<'_>| Ok(take.take(part, row)?);
    fold(pages, move || begin.begin(), take, |part| all.merge(part)).await?;
    all.keep_worst();
    let Part { mut rows, details, causes, rollouts, plan, findings, .. } = all;
    rows.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    rows.dedup_by(|a, b| a.id == b.id);
    rows.shrink_to_fit();
    let rollouts = rollouts.course().into_states();
    let mut needs = maker.of_plan(plan, &findings);
    needs.extend(needs::of_rollouts(&rollouts));
    needs.extend(needs::of_causes(&causes));
    let details: HashMap<_, _> = details.into_iter().map(|(_, id, details)| (id, details)).collect();
    let whole = Counts::of(&rows, &super::Filter::default());
    let shared = Arc::clone(&maker.shared);
    Ok(Model { taken, took: start.elapsed(), declared, rows, shared, whole, rollouts, details, needs })
}

impl Shared {
    fn new(facets: &[PropertyPath]) -> Self {
        Self {
            revisions: Names::new(VALUES),
            waves: Names::new(VALUES),
            components: Names::new(COMPONENTS),
            facets: facets.iter().take(FACETS).map(|path| (path.clone(), Names::new(VALUES))).collect(),
        }
    }
}

impl Maker {
    fn begin(&self) -> Part {
        let planner = || Arc::clone(&self.planner);
        Part {
            rows: Vec::new(),
            details: Vec::new(),
            causes: Causes::new(),
            rollouts: Tally::new(planner(), self.terms.clone()),
            plan: Some(Collector::new(planner()).with_rollouts(self.terms.clone())),
            changing: 0,
            findings: Vec::new(),
        }
    }

    fn take(&self, part: &mut Part, row: &TwinRow<'_>) -> Result<(), PlanError> {
        let place = part.rollouts.look(row)?;
        if let Some(plan) = &mut part.plan {
            plan.take(row)?;
        }
        let device = match self.planner.verdict(row) {
            Ok(device) => device,
            Err(PlanError::Unresolved(unresolved)) => {
                gather(&mut part.findings, &unresolved.findings);
                None
            }
            Err(fault) => return Err(fault),
        };
        let mut kept = self.row(row, place, device.as_ref())?;
        if let Some(device) = &device {
            part.changing += usize::from(matches!(device.verdict, Verdict::Pending | Verdict::Edited));
            kept.drifting = self.drifting(device);
            part.note(device);
        }
        part.rows.push(kept);
        Ok(())
    }

    fn row(&self, row: &TwinRow<'_>, place: Option<Place>, device: Option<&DeviceVerdict>) -> Result<Row, PlanError> {
        let tags = row.tags()?;
        let mut facets = [NONE; FACETS];
        for (number, (path, names)) in facets.iter_mut().zip(&self.shared.facets) {
            let value = get(&tags, &path.keys);
            *number = value.map_or(NONE, |value| names.add(&shown(Some(value), false)));
        }
        let revision = device.and_then(|device| device.revision.as_deref());
        let active = row.last_activity_time.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
        Ok(Row {
            id: row.device_id.as_ref().into(),
            drifting: 0,
            active: active.and_then(|time| u32::try_from(time.as_second()).ok()).unwrap_or(0),
            facets,
            revision: revision.map_or(NONE, |revision| self.shared.revisions.add(revision)),
            wave: place.map_or(NONE, |place| self.wave(place)),
            stand: device.map(|device| device.verdict),
            connected: row.is_connected(),
        })
    }

    fn wave(&self, place: Place) -> u16 {
        let rollout = self.planner.fleet().rollouts.get(place.rollout);
        let wave = rollout.and_then(|rollout| Some((rollout, rollout.waves.get(place.wave)?)));
        wave.map_or(NONE, |(rollout, wave)| self.shared.waves.add(&format!("{} / {}", rollout.name, wave.name)))
    }

    fn drifting(&self, device: &DeviceVerdict) -> u64 {
        let drifted = device.properties.iter().filter(|property| property.verdict.is_drift());
        drifted.fold(0, |bits, property| {
            bits | 1_u64.checked_shl(self.shared.components.add(&component_of(&property.path)).into()).unwrap_or(0)
        })
    }

    fn of_plan(&self, plan: Option<Collector>, findings: &[Finding]) -> Vec<super::Need> {
        let finding = |finding: &Finding| super::Need {
            kind: "Finding",
            verdict: Verdict::Failed,
            message: finding.message.clone(),
            link: "/devices?verdict=unmanaged".to_owned(),
        };
        let found: Vec<_> = findings.iter().take(5).map(finding).collect();
        let plan = plan.and_then(|mut plan| {
            plan.take_unregistered(&|_| true).ok()?;
            plan.finish().ok()
        });
        let of_plan = plan.map(|plan| needs::of_plan(self.planner.fleet(), &plan)).unwrap_or_default();
        of_plan.into_iter().chain(found).collect()
    }
}

impl Part {
    fn note(&mut self, device: &DeviceVerdict) {
        let details = detail::of(device);
        for detail in &details {
            let key = (detail.verdict, detail.path.clone());
            if self.causes.len() < CAUSES || self.causes.contains_key(&key) {
                *self.causes.entry(key).or_default() += 1;
            }
        }
        if !details.is_empty() {
            self.details.push((device.verdict, device.device.as_str().into(), details));
        }
    }

    fn keep_worst(&mut self) {
        self.details.sort_by(|a, b| (b.0, &a.1).cmp(&(a.0, &b.1)));
        self.details.truncate(DETAILED);
    }

    fn merge(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.details.extend(other.details);
        if self.details.len() > 2 * DETAILED {
            self.keep_worst();
        }
        for (key, devices) in other.causes {
            if self.causes.len() < CAUSES || self.causes.contains_key(&key) {
                *self.causes.entry(key).or_default() += devices;
            }
        }
        self.rollouts.merge(other.rollouts);
        self.changing += other.changing;
        self.plan = match (self.plan.take(), other.plan) {
            (Some(mut here), Some(there)) if self.changing <= PLANNED => {
                here.merge(there);
                Some(here)
            }
            _ => None,
        };
        gather(&mut self.findings, &other.findings);
    }
}
