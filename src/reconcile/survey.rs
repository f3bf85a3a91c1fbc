//! Looking at every twin of a hub: pages stream in, all cores compare, one plan or standing comes out.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::Stream;

use super::{
    fold_pages,
    ports::{HubError, Page},
};
use crate::{
    fleet::{
        Finding,
        resolve::{Census, Resolver},
    },
    plan::{
        Collector, Group, Notice, Plan, PlanError, Planner, Standing, Tally, Verdict,
        adopt::{EditedTwin, Sharing},
        gather,
        rollout::{self, Course, Returning, Terms},
    },
    twin::{DeviceId, PropertyPath, RowError, TwinRow},
};

/// Why the twins could not be surveyed.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// The hub does not answer.
    #[error("the twins cannot be read")]
    Hub(#[from] HubError),
    /// A twin cannot be read or compared.
    #[error("a twin cannot be planned")]
    Plan(#[from] PlanError),
    /// A page is not what it should be.
    #[error("the hub's answer holds something that is no twin")]
    Row(#[from] RowError),
}

/// What a survey found, or what is wrong with the fleet for a device that exists.
type Planned = Result<Plan, Vec<Finding>>;

/// How rollouts are taken into account.
#[derive(Debug, Clone)]
pub enum Rollouts {
    /// Not at all: every device is changed at once.
    Ignored,
    /// By the twins that are looked at, which have to be all.
    Derived(Terms),
    /// As they were found to stand before, where only some twins are looked at.
    Known(Terms, Course),
}

/// Plans every twin of the pages. `complete` says of a declared device which is not among them whether the hub was
/// asked for it, so that it is not registered.
///
/// # Errors
/// When the hub or a twin cannot be read; the inner error holds findings about the fleet.
pub async fn plan(
    pages: impl Stream<Item = Result<Page, HubError>>,
    planner: Arc<Planner>,
    complete: &(impl Fn(&DeviceId) -> bool + Sync),
    rollouts: Rollouts,
) -> Result<Planned, SurveyError> {
    let begin = move || match &rollouts {
        Rollouts::Ignored => Collector::new(Arc::clone(&planner)),
        Rollouts::Derived(terms) => Collector::new(Arc::clone(&planner)).with_rollouts(terms.clone()),
        Rollouts::Known(terms, course) => {
            Collector::new(Arc::clone(&planner)).with_rollouts(terms.clone()).within(course.clone())
        }
    };
    let mut all = begin();
    let take = |part: &mut Collector, row: &TwinRow<'_>| Ok(part.take(row)?);
    fold(pages, begin, take, |part| all.merge(part)).await?;
    all.take_unregistered(complete)?;
    Ok(all.finish())
}

/// How the rollouts stand, by every twin of the pages.
///
/// # Errors
/// When the hub or a twin cannot be read.
pub async fn course(
    pages: impl Stream<Item = Result<Page, HubError>>,
    planner: Arc<Planner>,
    terms: Terms,
) -> Result<Course, SurveyError> {
    let begin = move || rollout::Tally::new(Arc::clone(&planner), terms.clone());
    let mut all = begin();
    let take = |part: &mut rollout::Tally, row: &TwinRow<'_>| Ok(part.look(row).map(drop)?);
    fold(pages, begin, take, |part| all.merge(part)).await?;
    Ok(all.course())
}

/// What devices get that a rollout takes a commit back from, and who of them cannot go back.
///
/// # Errors
/// When the hub or a twin cannot be read.
pub async fn returning(
    pages: impl Stream<Item = Result<Page, HubError>>,
    planner: Arc<Planner>,
    course: Arc<Course>,
) -> Result<(Vec<Group>, Option<Notice>), SurveyError> {
    let begin = move || Returning::new(Arc::clone(&planner), Arc::clone(&course));
    let mut all = begin();
    let take = |part: &mut Returning, row: &TwinRow<'_>| Ok(part.take(row)?);
    fold(pages, begin, take, |part| all.merge(part)).await?;
    Ok(all.finish())
}

/// Judges every twin of the pages. With terms, rollouts are judged too: for that the pages have to hold all twins.
///
/// # Errors
/// When the hub or a twin cannot be read.
pub async fn standing(
    pages: impl Stream<Item = Result<Page, HubError>>,
    planner: Arc<Planner>,
    complete: bool,
    terms: Option<Terms>,
) -> Result<Result<Standing, Vec<Finding>>, SurveyError> {
    standing_by(pages, planner, complete, terms, None).await
}

/// The same; devices are counted by the values of a tag as well.
///
/// # Errors
/// When the hub or a twin cannot be read.
pub async fn standing_by(
    pages: impl Stream<Item = Result<Page, HubError>>,
    planner: Arc<Planner>,
    complete: bool,
    terms: Option<Terms>,
    tag: Option<PropertyPath>,
) -> Result<Result<Standing, Vec<Finding>>, SurveyError> {
    type Part = (Tally, Vec<Finding>, Option<rollout::Tally>);
    let judge = Arc::clone(&planner);
    let counted = tag.clone();
    let begin = move || {
        let rollouts = terms.clone().map(|terms| rollout::Tally::new(Arc::clone(&judge), terms));
        (Tally::by(counted.clone()), Vec::new(), rollouts)
    };
    let judge = Arc::clone(&planner);
    let take = move |(part, findings, rollouts): &mut Part, row: &TwinRow<'_>| {
        if let Some(judged) = unless_unresolved(judge.judge(row, tag.as_ref()), findings)? {
            part.take_all(judged, judge.fleet().devices.contains_key(&*row.device_id));
        }
        match rollouts {
            Some(rollouts) => Ok(rollouts.look(row).map(drop)?),
            None => Ok(()),
        }
    };
    let (mut all, mut findings, mut rollouts) = begin();
    fold(pages, begin, take, |(part, found, part_rollouts)| {
        all.merge(part);
        gather(&mut findings, &found);
        if let Some((here, there)) = rollouts.as_mut().zip(part_rollouts) {
            here.merge(there);
        }
    })
    .await?;
    if !findings.is_empty() {
        return Ok(Err(findings));
    }
    let course = rollouts.map(rollout::Tally::course).unwrap_or_default();
    Ok(Ok(Standing { rollouts: course.into_states(), ..all.finish(&planner, complete) }))
}

/// How many devices have which verdict, by every twin of the pages, without a name; the inner error holds findings about
/// the fleet.
///
/// # Errors
/// When the hub or a twin cannot be read.
pub async fn verdicts(
    pages: impl Stream<Item = Result<Page, HubError>>,
    planner: Arc<Planner>,
) -> Result<Result<BTreeMap<Verdict, u64>, Vec<Finding>>, SurveyError> {
    type Part = (BTreeMap<Verdict, u64>, Vec<Finding>);
    let take = move |(devices, findings): &mut Part, row: &TwinRow<'_>| {
        if let Some(device) = unless_unresolved(planner.verdict(row), findings)? {
            *devices.entry(device.verdict).or_default() += 1;
        }
        Ok(())
    };
    let (mut devices, mut findings) = Part::default();
    fold(pages, Part::default, take, |(part, found)| {
        for (verdict, count) in part {
            *devices.entry(verdict).or_default() += count;
        }
        gather(&mut findings, &found);
    })
    .await?;
    Ok(if findings.is_empty() { Ok(devices) } else { Err(findings) })
}

/// The twins of the pages that somebody changed, in order of device; the inner error holds findings about the fleet.
///
/// # Errors
/// When the hub or a twin cannot be read.
pub async fn edits(
    pages: impl Stream<Item = Result<Page, HubError>>,
    planner: Arc<Planner>,
) -> Result<Result<Vec<EditedTwin>, Vec<Finding>>, SurveyError> {
    type Part = (Vec<EditedTwin>, Vec<Finding>);
    let take = move |(twins, findings): &mut Part, row: &TwinRow<'_>| {
        twins.extend(unless_unresolved(planner.edits(row), findings)?);
        Ok(())
    };
    let (mut twins, mut findings) = Part::default();
    fold(pages, Part::default, take, |(part, found)| {
        twins.extend(part);
        gather(&mut findings, &found);
    })
    .await?;
    twins.sort_by(|a, b| a.device.cmp(&b.device));
    Ok(if findings.is_empty() { Ok(twins) } else { Err(findings) })
}

/// How many devices share the lines that edited values come from, by every twin of the pages.
///
/// # Errors
/// When the hub or a twin cannot be read.
pub async fn sharing(
    pages: impl Stream<Item = Result<Page, HubError>>,
    sharing: Sharing,
) -> Result<Sharing, SurveyError> {
    let mut all = sharing.clone();
    let take = |part: &mut Sharing, row: &TwinRow<'_>| Ok(part.take(row)?);
    fold(pages, move || sharing.clone(), take, |part| all.merge(&part)).await?;
    Ok(all)
}

/// Holds every twin of the pages against the fleet, to find what only twins can tell.
///
/// # Errors
/// When the hub or a twin cannot be read.
pub async fn census(
    pages: impl Stream<Item = Result<Page, HubError>>,
    resolver: Arc<Resolver>,
) -> Result<Census, SurveyError> {
    let begin = move || Census::new(Arc::clone(&resolver));
    let mut all = begin();
    let take = |part: &mut Census, row: &TwinRow<'_>| Ok(part.take(row)?);
    fold(pages, begin, take, |part| all.merge(part)).await?;
    Ok(all)
}

/// What was made of a twin; nothing where the fleet does not say what its device should be, which joins the findings.
fn unless_unresolved<T: Default>(made: Result<T, PlanError>, findings: &mut Vec<Finding>) -> Result<T, SurveyError> {
    match made {
        Ok(made) => Ok(made),
        Err(PlanError::Unresolved(unresolved)) => {
            gather(findings, &unresolved.findings);
            Ok(T::default())
        }
        Err(fault) => Err(fault.into()),
    }
}

/// Lets `take` have every device twin of the pages, page by page on all cores, each page into a part of its own.
///
/// # Errors
/// When the hub or a twin cannot be read.
pub async fn fold<T: Send + 'static>(
    pages: impl Stream<Item = Result<Page, HubError>>,
    begin: impl Fn() -> T + Send + Sync + 'static,
    take: impl Fn(&mut T, &TwinRow<'_>) -> Result<(), SurveyError> + Send + Sync + 'static,
    mut merge: impl FnMut(T),
) -> Result<(), SurveyError> {
    let work = move |page: Page| -> Result<T, SurveyError> {
        let mut part = begin();
        each(&page, |row| take(&mut part, row))?;
        Ok(part)
    };
    let mut fault = None;
    fold_pages(pages, threads(), work, |part| match part {
        Ok(part) => merge(part),
        Err(error) => fault = fault.take().or(Some(error)),
    })
    .await?;
    fault.map_or(Ok(()), Err)
}

/// Hands every device twin of a page to `take`, until one fails.
fn each(page: &Page, mut take: impl FnMut(&TwinRow<'_>) -> Result<(), SurveyError>) -> Result<(), SurveyError> {
    let mut result = Ok(());
    page.for_each(|row| {
        if result.is_ok() {
            result = match row {
                Ok(row) if row.module_id.is_none() => take(&row),
                Ok(_) => Ok(()),
                Err(fault) => Err(fault.into()),
            };
        }
    })?;
    result
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}
