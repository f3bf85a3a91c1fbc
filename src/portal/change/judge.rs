//! Holds a draft against the rules of the fleet, and then against the live twins.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    fleet::{Finding, Locator, Place, Source},
    plan::{
        Plan,
        guard::{self, Terms},
        rollout, saved,
    },
    portal::{Declared, Portal, error::PageError, refresh::because},
    reconcile::{
        ports::TwinRead as _,
        survey::{self, Rollouts},
    },
    report::{self, Paper, PlanReport, Report as _},
};

/// All twins.
const ALL: &str = "SELECT * FROM devices";
/// How long all twins may take, waiting for other plans included.
const PATIENCE: Duration = Duration::from_mins(5);
/// Plans at a time: each reads all twins, and holds what it would change.
static ROOM: Semaphore = Semaphore::const_new(1);

/// The plan of a fleet that is not committed yet, guards judged; the inner error holds findings about the fleet.
pub(in crate::portal) async fn planned(
    portal: &Portal,
    declared: &Declared,
) -> Result<Result<Plan, Vec<Finding>>, PageError> {
    let late = || PageError::Hub("it did not give all its twins in time; try again later".to_owned());
    let plan = async {
        let _room = ROOM.acquire().await.map_err(|_| late())?;
        let terms = rollout::Terms { now: Timestamp::now(), approved: BTreeSet::new() };
        let (twins, rollouts) = (portal.hub.twins(ALL), Rollouts::Derived(terms));
        let found = survey::plan(twins, Arc::clone(&declared.planner), &|_| true, rollouts).await;
        found.map_err(|error| PageError::Hub(because(&error)))
    };
    let mut plan = match timeout(PATIENCE, plan).await.map_err(|_| late())?? {
        Ok(plan) => plan,
        Err(findings) => return Ok(Err(findings)),
    };
    let today = jiff::Zoned::now().date();
    let terms = Terms { today, allowed: &[], actor: "", whole: true };
    let judgement = guard::judge(declared.planner.fleet(), &plan, terms);
    plan.rulings = judgement.rulings;
    plan.notices.extend(judgement.notices);
    plan.hash = Some(saved::hash(&plan, &portal.name));
    Ok(Ok(plan))
}

/// A plan's sum in a line, and what a report says of it as HTML.
pub(in crate::portal) fn told(plan: &Plan, source: &Source) -> (String, String) {
    let places = Files { source, locator: Locator::new(source) };
    let report = PlanReport { plan, places: &places };
    (report.sum().1, report::fragment(&report, &Paper::default()))
}

/// The files of a source, as reports ask for them.
struct Files<'s> {
    source: &'s Source,
    locator: Locator<'s>,
}

impl report::Places for Files<'_> {
    fn locate(&self, place: &Place) -> Option<report::Location> {
        let found = self.locator.locate(place)?;
        Some(report::Location {
            file: found.file,
            line: found.line,
            column: found.column,
            end: found.end,
            span: found.span,
        })
    }

    fn text(&self, file: &str) -> Option<Arc<str>> {
        Some(String::from_utf8_lossy(&self.source.file(file)?.text).into())
    }
}
