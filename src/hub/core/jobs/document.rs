//! What the store keeps of a job: what clients see of it, and how far it is.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    hub::{
        failure::Failure,
        store::{Change, Document, Kind},
    },
    iothub::ErrorCode,
    twin::Map,
};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum JobType {
    ScheduleUpdateTwin,
    ScheduleDeviceMethod,
}

impl JobType {
    pub(super) const ALL: [Self; 2] = [Self::ScheduleUpdateTwin, Self::ScheduleDeviceMethod];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ScheduleUpdateTwin => "scheduleUpdateTwin",
            Self::ScheduleDeviceMethod => "scheduleDeviceMethod",
        }
    }
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JobStatus")]
pub(super) enum Status {
    /// Due, and not yet begun.
    Queued,
    /// For later.
    Scheduled,
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl Status {
    pub(super) const ALL: [Self; 6] =
        [Self::Queued, Self::Scheduled, Self::Running, Self::Completed, Self::Failed, Self::Cancelled];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing has begun.
    pub(super) const fn is_waiting(self) -> bool {
        matches!(self, Self::Queued | Self::Scheduled)
    }

    /// Whether nothing more will happen.
    pub(super) const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// How many devices are how far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the protocol's names")]
#[schemars(rename = "JobStatistics")]
pub(super) struct Statistics {
    /// All that were found so far.
    pub(super) device_count: u64,
    pub(super) failed_count: u64,
    pub(super) succeeded_count: u64,
    pub(super) running_count: u64,
    pub(super) pending_count: u64,
}

/// `JobResponse` (protocol reference 9.1).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the protocol's names")]
pub(crate) struct Job {
    pub(super) job_id: Box<str>,
    pub(super) query_condition: Box<str>,
    pub(super) created_time: Box<str>,
    pub(super) start_time: Box<str>,
    pub(super) end_time: Option<Box<str>>,
    pub(super) max_execution_time_in_seconds: u32,
    #[serde(rename = "type")]
    pub(super) kind: JobType,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Map>")]
    pub(super) update_twin: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Map>")]
    pub(super) cloud_to_device_method: Option<Box<RawValue>>,
    pub(super) status: Status,
    pub(super) failure_reason: Option<String>,
    pub(super) status_message: Option<String>,
    pub(super) device_job_statistics: Statistics,
}

/// A job as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) job: Job,
    /// When it began to run.
    pub(super) began: Option<Box<str>>,
    /// Every device up to here has its part recorded, or none in it.
    pub(super) after: Option<Box<str>>,
    /// No device beyond has a part recorded.
    pub(super) until: Option<Box<str>>,
}

impl Kept {
    /// A job of which nothing has been done.
    pub(super) const fn new(job: Job) -> Self {
        Self { job, began: None, after: None, until: None }
    }

    pub(super) fn read(document: &Document) -> Result<Self, Failure> {
        serde_json::from_str(&document.body).map_err(|error| unreadable(&error))
    }

    /// Writes it in the place of the document with `revision`, 0 for a new one.
    pub(super) fn change(&self, revision: u64) -> Result<Change, Failure> {
        let body = serde_json::to_string(self).map_err(|error| unreadable(&error))?;
        let id = self.job.job_id.clone();
        Ok(Change::Document(Document { kind: Kind::Job, id, revision, body: body.into() }.into()))
    }

    /// What clients see.
    pub(super) fn text(&self) -> Result<String, Failure> {
        serde_json::to_string(&self.job).map_err(|error| unreadable(&error))
    }
}

pub(super) fn unreadable(error: &serde_json::Error) -> Failure {
    tracing::error!(%error, "a job cannot be read or written");
    Failure::new(ErrorCode::ServerError, "the hub's copy of this job cannot be read")
}

/// A time as clients write it; one without a zone is in UTC.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let plain = || Some(text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp());
    text.parse().ok().or_else(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_protocol() {
        for status in Status::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
        }
        for kind in JobType::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }

    #[test]
    fn times_may_lack_their_zone() {
        let expected: Timestamp = "2026-11-23T04:28:17.258813Z".parse().unwrap();
        for text in ["2026-11-23T04:28:17.258813Z", "2026-11-23T04:28:17.2588130", " 2026-11-23T05:28:17.258813+01:00"]
        {
            assert_eq!(instant(text), Some(expected), "{text}");
        }
        assert_eq!((instant(""), instant("soon"), instant("2026-13-01T00:00:00Z")), (None, None, None));
        assert!(instant("0001-01-01T00:00:00").is_some());
    }
}
