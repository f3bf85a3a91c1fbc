//! The list of jobs that wait or run.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::document::{instant, unreadable};
use crate::hub::{
    failure::Failure,
    store::{Change, Document, Kind, Store},
};

/// Its name among the jobs, which no job can have.
pub(super) const ID: &str = "/active";

/// Jobs that wait or run, with the time at which each begins.
#[derive(Debug, Default)]
pub(super) struct Active {
    revision: u64,
    jobs: BTreeMap<String, Box<str>>,
}

impl Active {
    pub(super) async fn read<S: Store>(store: &S) -> Result<Self, Failure> {
        let Some(document) = store.document(Kind::Job, ID).await? else { return Ok(Self::default()) };
        let jobs = serde_json::from_str(&document.body).map_err(|error| unreadable(&error))?;
        Ok(Self { revision: document.revision, jobs })
    }

    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// The jobs with their beginnings; one that cannot be read is now.
    pub(super) fn jobs(&self) -> impl Iterator<Item = (&str, Timestamp)> {
        self.jobs.iter().map(|(id, start)| (id.as_str(), instant(start).unwrap_or(Timestamp::UNIX_EPOCH)))
    }

    /// The list with another job.
    pub(super) fn with(mut self, id: &str, start: &str) -> Result<Change, Failure> {
        self.jobs.insert(id.to_owned(), start.into());
        self.change()
    }

    /// The list without a job.
    pub(super) fn without(mut self, id: &str) -> Result<Change, Failure> {
        self.jobs.remove(id);
        self.change()
    }

    fn change(&self) -> Result<Change, Failure> {
        let body = serde_json::to_string(&self.jobs).map_err(|error| unreadable(&error))?;
        let document = Document { kind: Kind::Job, id: ID.into(), revision: self.revision, body: body.into() };
        Ok(Change::Document(document.into()))
    }
}
