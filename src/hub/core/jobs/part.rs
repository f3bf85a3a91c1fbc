//! A device's part in a job: a row of `devices.jobs` (protocol reference 9.1).

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::document::{JobType, unreadable};
use crate::{
    hub::{
        failure::Failure,
        ports::LinkId,
        store::{Document, Kind},
    },
    twin::DeviceId,
};

/// How a part ended.
#[derive(Debug)]
pub(super) enum End {
    /// The twin is written.
    Written,
    /// The device's answer to a call, as JSON text with status and payload.
    Answered(String),
    Failed(Failure),
}

/// A part that is over.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) link: LinkId,
    pub(super) failed: bool,
    pub(super) document: Arc<Document>,
}

/// When a part began and ended, as text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times<'a> {
    pub(super) began: &'a str,
    pub(super) ended: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    device_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    module_id: Option<&'a str>,
    job_id: &'a str,
    job_type: JobType,
    status: &'static str,
    start_time_utc: &'a str,
    end_time_utc: &'a str,
    created_date_time_utc: &'a str,
    last_updated_date_time_utc: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    device_method_response: &'a RawValue,
}

#[derive(Serialize)]
struct Error<'a> {
    code: String,
    description: &'a str,
}

impl Part {
    /// What is recorded of a part that is over.
    pub(super) fn new(job: &str, kind: JobType, link: LinkId, times: Times<'_>, end: &End) -> Result<Self, Failure> {
        let damaged = |error| unreadable(&error);
        let failed = matches!(end, End::Failed(_));
        let outcome = match end {
            End::Answered(text) => Some(serde_json::from_str(text).map_err(damaged)?),
            End::Written | End::Failed(_) => None,
        };
        let row = Row {
            device_id: link.device.as_str(),
            module_id: link.module.as_deref(),
            job_id: job,
            job_type: kind,
            status: if failed { "failed" } else { "completed" },
            start_time_utc: times.began,
            end_time_utc: times.ended,
            created_date_time_utc: times.began,
            last_updated_date_time_utc: times.ended,
            outcome: outcome.map(|device_method_response| Outcome { device_method_response }),
            error: match end {
                End::Failed(failure) => {
                    Some(Error { code: failure.code.number().to_string(), description: &failure.message })
                }
                End::Written | End::Answered(_) => None,
            },
        };
        let body = serde_json::to_string(&row).map_err(damaged)?.into();
        let document = Document { kind: Kind::JobPart, id: id(job, &link), revision: 0, body };
        Ok(Self { link, failed, document: document.into() })
    }
}

/// The name of a part.
pub(super) fn id(job: &str, link: &LinkId) -> Box<str> {
    format!("{job}/{link}").into()
}

/// Reads what a link prints.
pub(super) fn link(text: &str) -> Option<LinkId> {
    let (device, module) = text.split_once('/').map_or((text, None), |(device, module)| (device, Some(module)));
    Some(LinkId { device: DeviceId::new(device).ok()?, module: module.map(Into::into) })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::iothub::ErrorCode;

    fn row(text: &str, end: &End) -> Value {
        let times = Times { began: "T", ended: "U" };
        let part = Part::new("j", JobType::ScheduleDeviceMethod, link(text).unwrap(), times, end).unwrap();
        assert_eq!(*part.document.id, *format!("j/{text}"));
        serde_json::from_str(&part.document.body).unwrap()
    }

    #[test]
    fn a_row_has_the_shape_of_the_protocol() {
        let answered = row("d1", &End::Answered(r#"{"status":200,"payload":null}"#.to_owned()));
        let expected = json!({"deviceId": "d1", "jobId": "j", "jobType": "scheduleDeviceMethod", "status": "completed",
            "startTimeUtc": "T", "endTimeUtc": "U", "createdDateTimeUtc": "T", "lastUpdatedDateTimeUtc": "U",
            "outcome": {"deviceMethodResponse": {"status": 200, "payload": null}}});
        assert_eq!(answered, expected);
        let failed = row("d1/$edgeAgent", &End::Failed(Failure::new(ErrorCode::DeviceNotOnline, "away")));
        assert_eq!((&failed["moduleId"], &failed["status"]), (&json!("$edgeAgent"), &json!("failed")));
        assert_eq!(failed["error"], json!({"code": "404103", "description": "away"}));
    }
}
