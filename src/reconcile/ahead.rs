//! Twins read ahead of their writes, many with one request.
//!
//! A plan from kept twins has no etags to rest on: each twin is read and planned afresh. A query shows many at once, with
//! their etags; what it does not show, or shows wrongly because its index is behind, is read on its own as ever.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, pin_mut};

use super::{
    call::Run,
    converge::statements,
    device::Job,
    ports::{HubError, TwinRead, TwinText},
};
use crate::{plan::quota::Operation, twin::DeviceId};

/// Devices whose twins are read with one request.
pub(super) const AT_ONCE: usize = 200;

/// Gives those of the jobs a twin that have to read one first.
pub(super) async fn read<E, H: TwinRead>(run: &Run<'_, E>, hub: &H, mut jobs: Vec<Job>) -> Vec<Job> {
    let wanted: BTreeSet<DeviceId> =
        jobs.iter().filter(|job| job.reads_first()).map(|job| job.planned.device.clone()).collect();
    if wanted.len() < 2 || run.stop.is_requested() {
        return jobs;
    }
    let mut found = BTreeMap::new();
    if let Err(error) = ask(run, hub, &wanted, &mut found).await {
        tracing::debug!(%error, "twins are read one by one");
    }
    for job in jobs.iter_mut().filter(|job| job.reads_first()) {
        job.twin = found.remove(&job.planned.device);
    }
    jobs
}

async fn ask<E, H: TwinRead>(
    run: &Run<'_, E>,
    hub: &H,
    wanted: &BTreeSet<DeviceId>,
    found: &mut BTreeMap<DeviceId, TwinText>,
) -> Result<(), HubError> {
    for statement in statements(wanted) {
        let pages = hub.twins(&statement);
        pin_mut!(pages);
        loop {
            // The page is asked for once the run may ask.
            let pass = run.gate.enter(Operation::QueryPage).await;
            let Some(page) = pages.next().await else { break };
            pass.answered();
            for text in page?.texts().map_err(|error| HubError::Answer(Box::new(error)))? {
                if let Ok(id) = text.row().and_then(|row| row.id()) {
                    found.insert(id, text);
                }
            }
        }
    }
    Ok(())
}
