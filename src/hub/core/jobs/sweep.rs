//! Jobs that ended long ago are forgotten (protocol reference 9.1).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    active,
    document::{Kept, instant},
    run::every,
    work::Clock,
};
use crate::{
    hub::{
        failure::Failure,
        store::{Change, Document, Kind, Outcome, Store},
    },
    task::Stop,
};

/// How long a job is remembered after its end.
const HISTORY: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How often the history is gone through.
const EVERY: Duration = Duration::from_hours(1);
/// Documents that are read, and deleted, at a time.
const CHUNK: usize = 64;

/// Goes through the history now and then until `held` ends.
pub(super) async fn sweep_hourly<S: Store>(store: &S, held: &Stop, clock: &Clock) {
    let mut beats = every(EVERY);
    while held.unless(beats.tick()).await.is_some() {
        if let Err(failure) = sweep(store, held, clock()).await {
            tracing::warn!(%failure, "old jobs could not be removed; it is tried again later");
        }
    }
}

/// Removes whatever is too old.
pub(super) async fn sweep<S: Store>(store: &S, held: &Stop, now: Timestamp) -> Result<(), Failure> {
    let mut after = String::new();
    loop {
        let jobs = store.documents(Kind::Job, "", Some(&after), CHUNK).await?;
        for job in jobs.iter().filter(|job| &*job.id != active::ID) {
            if is_old(job, now) && !remove(store, held, job).await? {
                return Ok(());
            }
        }
        match jobs.last() {
            Some(last) if jobs.len() == CHUNK && !held.is_requested() => after = last.id.to_string(),
            _ => return Ok(()),
        }
    }
}

fn is_old(job: &Document, now: Timestamp) -> bool {
    let Ok(kept) = Kept::read(job) else { return false };
    let ended = kept.job.end_time.as_deref().filter(|_| kept.job.status.is_over()).and_then(instant);
    ended.is_some_and(|ended| now.duration_since(ended) > HISTORY)
}

/// Removes a job after all of its parts, so that another one of its name never has them. Says whether there was time.
async fn remove<S: Store>(store: &S, held: &Stop, job: &Document) -> Result<bool, Failure> {
    let prefix = format!("{}/", job.id);
    loop {
        let parts = store.documents(Kind::JobPart, &prefix, None, CHUNK).await?;
        if parts.is_empty() {
            break;
        }
        if held.is_requested() {
            return Ok(false);
        }
        let delete = |part: Document| Change::DeleteDocument { kind: part.kind, id: part.id, revision: part.revision };
        let _deleted: Outcome = store.write(parts.into_iter().map(delete).collect()).await?;
    }
    let gone = Change::DeleteDocument { kind: Kind::Job, id: job.id.clone(), revision: job.revision };
    let _deleted: Outcome = store.write(vec![gone]).await?;
    tracing::debug!(job = %job.id, "a job is forgotten");
    Ok(true)
}
