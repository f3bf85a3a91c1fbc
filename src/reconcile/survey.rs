//! Looking at every twin of a hub: pages stream in, all cores compare, one plan or standing comes out.

use std::sync::Arc;

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
    plan::{Collector, Plan, PlanError, Planner, Standing, Tally, gather},
    twin::{DeviceId, RowError, TwinRow},
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

/// Plans every twin of the pages. `complete` says of a declared device which is not among them whether the hub was
/// asked for it, so that it is not registered.
///
/// # Errors
/// When the hub or a twin cannot be read; the inner error holds findings about the fleet.
pub async fn plan(
    pages: impl Stream<Item = Result<Page, HubError>>,
    planner: Arc<Planner>,
    complete: &(impl Fn(&DeviceId) -> bool + Sync),
) -> Result<Planned, SurveyError> {
    let mut all = Collector::new(planner.clone());
    let work = move |page: Page| -> Result<Collector, SurveyError> {
        let mut part = Collector::new(planner.clone());
        each(&page, |row| Ok(part.take(row)?))?;
        Ok(part)
    };
    let mut fault = None;
    fold_pages(pages, threads(), work, |part| match part {
        Ok(part) => all.merge(part),
        Err(error) => fault = fault.take().or(Some(error)),
    })
    .await?;
    if let Some(fault) = fault {
        return Err(fault);
    }
    all.take_unregistered(complete)?;
    Ok(all.finish())
}

/// Judges every twin of the pages.
///
/// # Errors
/// When the hub or a twin cannot be read.
pub async fn standing(
    pages: impl Stream<Item = Result<Page, HubError>>,
    planner: Arc<Planner>,
    complete: bool,
) -> Result<Result<Standing, Vec<Finding>>, SurveyError> {
    let mut all = Tally::default();
    let mut findings: Vec<Finding> = Vec::new();
    let judge = planner.clone();
    let work = move |page: Page| -> Result<(Tally, Vec<Finding>), SurveyError> {
        let (mut part, mut findings) = (Tally::default(), Vec::new());
        each(&page, |row| {
            match judge.verdict(row) {
                Ok(Some(device)) => part.take(device, judge.fleet().devices.contains_key(&*row.device_id)),
                Ok(None) => {}
                Err(PlanError::Unresolved(unresolved)) => gather(&mut findings, &unresolved.findings),
                Err(fault) => return Err(fault.into()),
            }
            Ok(())
        })?;
        Ok((part, findings))
    };
    let mut fault = None;
    fold_pages(pages, threads(), work, |part| match part {
        Ok((part, found)) => {
            all.merge(part);
            gather(&mut findings, &found);
        }
        Err(error) => fault = fault.take().or(Some(error)),
    })
    .await?;
    match fault {
        Some(fault) => Err(fault),
        None if findings.is_empty() => Ok(Ok(all.finish(&planner, complete))),
        None => Ok(Err(findings)),
    }
}

/// Holds every twin of the pages against the fleet, to find what only twins can tell.
///
/// # Errors
/// When the hub or a twin cannot be read.
pub async fn census(
    pages: impl Stream<Item = Result<Page, HubError>>,
    resolver: Arc<Resolver>,
) -> Result<Census, SurveyError> {
    let mut all = Census::new(Arc::clone(&resolver));
    let work = move |page: Page| -> Result<Census, SurveyError> {
        let mut part = Census::new(Arc::clone(&resolver));
        each(&page, |row| Ok(part.take(row)?))?;
        Ok(part)
    };
    let mut fault = None;
    fold_pages(pages, threads(), work, |part| match part {
        Ok(part) => all.merge(part),
        Err(error) => fault = fault.take().or(Some(error)),
    })
    .await?;
    fault.map_or(Ok(all), Err)
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
