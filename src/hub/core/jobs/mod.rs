//! Scheduled jobs (protocol reference 9.1): the same write or the same call for many devices, now or later.
//!
//! * `desk` is what the service asks for: make a job, look at it, call it off, list them. `request` checks what it
//!   sends; `document` is what the store keeps of a job, [`part`] what it keeps of a device's part in one.
//! * `active` is the short list of jobs that are waiting or running. It is written together with the jobs on it, so
//!   that an engine finds its work without a look at the history, and no two requests pass the limit together.
//! * `engine` runs in the one process that has the lease: it starts what is due, each job as a `run` that goes
//!   through the devices in the order of their ids. `window` is the stretch of that order where some are done and
//!   some are not; `work` is what one device is to do.
//! * `sweep` forgets jobs that ended long ago.
//!
//! Parts are recorded together with the place that the run has reached, in one batch. Whoever goes on with a job
//! after a crash begins at that place and leaves out who has a part already, so that no finished part is run again.
//! What was under way is run again: a call can reach a device twice if the hub breaks off between the two.

mod active;
mod desk;
mod document;
mod engine;
mod part;
mod request;
mod run;
mod sweep;
#[cfg(test)]
mod tests;
mod window;
mod work;

pub(crate) use desk::JobFilter;
pub(crate) use document::Job;
use tokio::sync::Notify;

/// Jobs that may wait and run at a time unless the hub is told otherwise.
pub(crate) const MOST_ACTIVE: usize = 10;

/// What the core remembers of jobs outside of the store.
#[derive(Debug)]
pub(super) struct Board {
    /// Rung when there is a new job.
    bell: Notify,
    /// Most jobs that wait or run at a time.
    most: usize,
}

impl Default for Board {
    fn default() -> Self {
        Self { bell: Notify::new(), most: MOST_ACTIVE }
    }
}

impl<S, L> super::Core<S, L> {
    /// With another limit of jobs that wait or run at a time.
    #[must_use]
    pub(crate) fn with_most_jobs(mut self, most: usize) -> Self {
        self.jobs.most = most;
        self
    }
}
