//! What the service asks of jobs.

use super::{
    super::{ATTEMPTS, Core, queries::Mark},
    active::{self, Active},
    document::{JobType, Kept, Status},
    request,
};
use crate::{
    hub::{
        failure::Failure,
        ports::Links,
        store::{Document, Kind, Outcome, Store},
        time,
    },
    iothub::ErrorCode,
};

/// Jobs that are read at a time.
const CHUNK: usize = 32;
/// With more than this, in bytes, a page is full, however few jobs it has.
const PAGE: usize = 4 * 1024 * 1024;
/// What clients may ask for besides the states that a job of this hub can have.
const OTHER_STATES: [&str; 2] = ["unknown", "enqueued"];

/// In which state a job has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Wanted {
    #[default]
    Any,
    One(Status),
    /// One that no job of this hub can have.
    Other,
}

/// Which jobs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct JobFilter {
    kind: Option<JobType>,
    status: Wanted,
}

impl JobFilter {
    /// From the parameters of a request; empty ones do not count.
    pub(crate) fn parse(kind: Option<&str>, status: Option<&str>) -> Result<Self, Failure> {
        let kind = kind.filter(|name| !name.is_empty()).map(|name| {
            let found = JobType::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name));
            found.ok_or_else(|| Failure::invalid("jobType is scheduleUpdateTwin or scheduleDeviceMethod"))
        });
        let status = status.filter(|name| !name.is_empty()).map_or(Ok(Wanted::Any), Wanted::parse)?;
        Ok(Self { kind: kind.transpose()?, status })
    }

    /// What tells requests with other filters apart.
    fn asked(self) -> String {
        let status = match self.status {
            Wanted::Any => "*",
            Wanted::One(status) => status.name(),
            Wanted::Other => "-",
        };
        format!("jobs {} {status}", self.kind.map_or("*", JobType::name))
    }

    fn takes(self, kept: &Kept) -> bool {
        let status = match self.status {
            Wanted::Any => true,
            Wanted::One(status) => status == kept.job.status,
            Wanted::Other => false,
        };
        status && self.kind.is_none_or(|kind| kind == kept.job.kind)
    }
}

impl Wanted {
    fn parse(name: &str) -> Result<Self, Failure> {
        let found = Status::ALL.into_iter().find(|status| status.name().eq_ignore_ascii_case(name));
        if found.is_none() && !OTHER_STATES.iter().any(|other| other.eq_ignore_ascii_case(name)) {
            let message = "jobStatus is queued, scheduled, running, completed, failed, cancelled, enqueued or unknown";
            return Err(Failure::invalid(message));
        }
        Ok(found.map_or(Self::Other, Self::One))
    }
}

/// Some jobs.
#[derive(Debug)]
pub(crate) struct JobPage {
    /// A JSON array.
    pub(crate) body: String,
    /// Where the next page begins; nothing on the last one.
    pub(crate) continuation: Option<String>,
}

impl<S: Store, L: Links> Core<S, L> {
    /// Takes a job and wakes the engine. The job as it stands, always `queued`.
    pub(crate) async fn create_job(&self, id: &str, body: &[u8]) -> Result<String, Failure> {
        let mut kept = Kept::new(request::parse(id, body, time::now())?);
        for _ in 0..ATTEMPTS {
            if self.store.document(Kind::Job, id).await?.is_some() {
                return Err(Failure::new(ErrorCode::JobAlreadyExists, format!("there is a job {id} already")));
            }
            let active = Active::read(&self.store).await?;
            if active.len() >= self.jobs.most {
                let message = format!("{} jobs wait or run already, which is as many as may", active.len());
                return Err(Failure::new(ErrorCode::ThrottlingMaxActiveJobCountExceeded, message));
            }
            let batch = vec![kept.change(0)?, active.with(id, &kept.job.start_time)?];
            if self.store.write(batch).await? == Outcome::Written {
                self.jobs.bell.notify_one();
                kept.job.status = Status::Queued;
                return kept.text();
            }
        }
        Err(busy())
    }

    /// A job; nothing for one that is not there.
    pub(crate) async fn job(&self, id: &str) -> Result<Option<String>, Failure> {
        let document = self.store.document(Kind::Job, id).await?.filter(|_| id != active::ID);
        document.map(|document| Kept::read(&document)?.text()).transpose()
    }

    /// Calls a job off that has not begun.
    pub(crate) async fn cancel_job(&self, id: &str) -> Result<String, Failure> {
        for _ in 0..ATTEMPTS {
            let document = self.store.document(Kind::Job, id).await?.filter(|_| id != active::ID);
            let none = || Failure::new(ErrorCode::JobNotFound, format!("there is no job {id}"));
            let document = document.ok_or_else(none)?;
            let mut kept = Kept::read(&document)?;
            if !kept.job.status.is_waiting() {
                let message =
                    format!("the job is {}; only one that has not begun can be cancelled", kept.job.status.name());
                return Err(Failure::new(ErrorCode::OperationNotAllowedInCurrentState, message));
            }
            kept.job.status = Status::Cancelled;
            kept.job.end_time = Some(time::text(time::now()).into());
            let active = Active::read(&self.store).await?;
            let batch = vec![kept.change(document.revision)?, active.without(id)?];
            if self.store.write(batch).await? == Outcome::Written {
                return kept.text();
            }
        }
        Err(busy())
    }

    /// A page of at most `size` jobs in the order of their ids.
    pub(crate) async fn jobs(&self, filter: JobFilter, size: u64, token: Option<&str>) -> Result<JobPage, Failure> {
        let asked = filter.asked();
        let mut mark = token.map_or_else(|| Ok(Mark::default()), |token| Mark::parse(token, &asked))?;
        let (mut body, mut rows) = ("[".to_owned(), 0);
        loop {
            let documents = self.store.documents(Kind::Job, "", Some(&mark.after), CHUNK).await?;
            for document in &documents {
                if let Some(text) = listed(document, filter)? {
                    if rows == size || body.len() > PAGE {
                        body.push(']');
                        return Ok(JobPage { body, continuation: Some(mark.token(&asked)) });
                    }
                    body.push_str(if rows > 0 { "," } else { "" });
                    body.push_str(&text);
                    rows += 1;
                }
                mark.after = document.id.to_string();
            }
            if documents.len() < CHUNK {
                body.push(']');
                return Ok(JobPage { body, continuation: None });
            }
        }
    }
}

/// The text of a job that the filter lets through.
fn listed(document: &Document, filter: JobFilter) -> Result<Option<String>, Failure> {
    if &*document.id == active::ID {
        return Ok(None);
    }
    let kept = Kept::read(document)?;
    if filter.takes(&kept) { kept.text().map(Some) } else { Ok(None) }
}

fn busy() -> Failure {
    Failure::new(ErrorCode::ServerBusy, "too many others write jobs; try again")
}
