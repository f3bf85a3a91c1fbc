//! `PUT /jobs/v2/{id}`, checked (protocol reference 9.1).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, value::RawValue};

use super::{
    document::{Job, JobType, Statistics, Status, instant},
    work::Work,
};
use crate::{
    hub::{failure::Failure, time},
    query::MAX_LENGTH,
};

/// Longest id.
const LONGEST: usize = 64;
/// How far ahead a job may be planned.
const HORIZON: SignedDuration = SignedDuration::from_hours(168);
/// How long a job may run if nobody says, in seconds.
const USUAL_TIME: u32 = 3600;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    job_id: Option<Box<str>>,
    #[serde(rename = "type")]
    kind: Option<String>,
    update_twin: Option<Box<RawValue>>,
    cloud_to_device_method: Option<Box<RawValue>>,
    query_condition: Option<Box<str>>,
    start_time: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    max_execution_time_in_seconds: Option<u32>,
}

/// The CLI sends numbers as text.
fn seconds<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u32>, D::Error> {
    let value = Value::deserialize(input)?;
    let number = match &value {
        Value::Null => return Ok(None),
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64(),
    };
    let number = number.map(|number: u64| u32::try_from(number).unwrap_or(u32::MAX));
    number.map(Some).ok_or_else(|| serde::de::Error::custom("maxExecutionTimeInSeconds is a whole number"))
}

/// The job that a body asks for. A condition that does not parse is taken: the job fails when it begins.
pub(super) fn parse(id: &str, body: &[u8], now: Timestamp) -> Result<Job, Failure> {
    let body: Body =
        serde_json::from_slice(body).map_err(|error| Failure::invalid(format!("the body is no job: {error}")))?;
    check_id(id, body.job_id.as_deref())?;
    let kind = kind(body.kind.as_deref())?;
    let start = start(body.start_time.as_deref(), now)?;
    let query_condition = condition(body.query_condition)?;
    let (update_twin, cloud_to_device_method) = match kind {
        JobType::ScheduleUpdateTwin => (body.update_twin, None),
        JobType::ScheduleDeviceMethod => (None, body.cloud_to_device_method),
    };
    let job = Job {
        job_id: id.into(),
        query_condition,
        created_time: time::text(now).into(),
        start_time: time::text(start).into(),
        end_time: None,
        max_execution_time_in_seconds: body
            .max_execution_time_in_seconds
            .filter(|seconds| *seconds > 0)
            .unwrap_or(USUAL_TIME),
        kind,
        update_twin,
        cloud_to_device_method,
        status: if start > now { Status::Scheduled } else { Status::Queued },
        failure_reason: None,
        status_message: None,
        device_job_statistics: Statistics::default(),
    };
    Work::of(&job)?;
    Ok(job)
}

fn check_id(id: &str, in_body: Option<&str>) -> Result<(), Failure> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if id.is_empty() || id.len() > LONGEST || !id.bytes().all(fits) {
        let message = format!("jobId: 1 to {LONGEST} lower-case letters, digits and dashes");
        return Err(Failure::invalid(message));
    }
    if in_body.is_some_and(|in_body| in_body != id) {
        return Err(Failure::invalid("jobId: the body names another job than the path"));
    }
    Ok(())
}

fn kind(name: Option<&str>) -> Result<JobType, Failure> {
    let found = JobType::ALL.into_iter().find(|kind| name.is_some_and(|name| kind.name().eq_ignore_ascii_case(name)));
    found.ok_or_else(|| Failure::invalid("type: a job is scheduleUpdateTwin or scheduleDeviceMethod"))
}

/// Now, unless it is for later.
fn start(text: Option<&str>, now: Timestamp) -> Result<Timestamp, Failure> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(now) };
    let start = instant(text).ok_or_else(|| {
        Failure::invalid("startTime: not a time in the form of ISO 8601, such as 2026-11-23T04:00:00Z")
    })?;
    if start.duration_since(now) > HORIZON {
        return Err(Failure::invalid("startTime: a job can be planned for the next 168 hours at most"));
    }
    Ok(start.max(now))
}

fn condition(text: Option<Box<str>>) -> Result<Box<str>, Failure> {
    let text = text.ok_or_else(|| {
        Failure::invalid("queryCondition: missing; give `*` for all devices, or what follows WHERE in a query")
    })?;
    if text.len() > MAX_LENGTH {
        return Err(Failure::invalid(format!("queryCondition: more than {MAX_LENGTH} characters")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: &str = "2026-11-23T04:00:00Z";

    fn read(id: &str, change: Value) -> Result<Job, u32> {
        let mut body = json!({"type": "scheduleUpdateTwin", "updateTwin": {"tags": {"a": 1}}, "queryCondition": "*"});
        crate::twin::merge(body.as_object_mut().unwrap(), change.as_object().unwrap());
        parse(id, body.to_string().as_bytes(), NOW.parse().unwrap()).map_err(|failure| failure.code.number())
    }

    #[test]
    fn what_the_tools_send_is_a_job() {
        let node = json!({"jobId": "nj1", "updateTwin": {"etag": "*", "properties": {"desired": {"a": null}, "reported": {}}},
            "startTime": "2026-11-23T03:59:20.989Z", "maxExecutionTimeInSeconds": "60", "other": [1]});
        let job = read("nj1", node).unwrap();
        assert_eq!((job.max_execution_time_in_seconds, job.status), (60, Status::Queued));
        assert_eq!(&*job.start_time, "2026-11-23T04:00:00.0000000Z");
        let later =
            read("j-2", json!({"startTime": "2026-11-23T05:00:00", "maxExecutionTimeInSeconds": null})).unwrap();
        assert_eq!((later.max_execution_time_in_seconds, later.status), (USUAL_TIME, Status::Scheduled));
        let method = json!({"type": "ScheduleDeviceMethod", "updateTwin": null,
            "cloudToDeviceMethod": {"methodName": "m", "payload": {}, "responseTimeoutInSeconds": "5"}});
        assert_eq!(read("j", method).unwrap().kind, JobType::ScheduleDeviceMethod);
        assert!(read("j", json!({"queryCondition": "tags.a = = 1"})).is_ok(), "it fails when it begins");
    }

    #[test]
    fn what_breaks_a_rule_is_refused() {
        for change in [
            json!({"jobId": "other"}),
            json!({"type": "export"}),
            json!({"type": null}),
            json!({"updateTwin": null}),
            json!({"updateTwin": 7}),
            json!({"updateTwin": {"tags": null, "properties": {"desired": {"$x": 1}}}}),
            json!({"type": "scheduleDeviceMethod"}),
            json!({"type": "scheduleDeviceMethod", "cloudToDeviceMethod": {"methodName": "a/b"}}),
            json!({"queryCondition": null}),
            json!({"queryCondition": "x".repeat(MAX_LENGTH + 1)}),
            json!({"startTime": "soon"}),
            json!({"startTime": "2026-11-30T04:00:00.001Z"}),
            json!({"maxExecutionTimeInSeconds": "long"}),
        ] {
            assert_eq!(read("j", change.clone()).map(drop), Err(400_004), "{change}");
        }
        for id in ["", "J1", "j_1", "j 1", "j/1", &"j".repeat(65)] {
            assert_eq!(read(id, json!({})).map(drop), Err(400_004), "{id}");
        }
        assert!(read(&"j".repeat(64), json!({"startTime": "2026-11-30T04:00:00Z"})).is_ok());
    }

    proptest! {
        #[test]
        fn no_body_makes_the_reader_panic(body in any::<Vec<u8>>(), time in any::<String>(), id in any::<String>()) {
            let _ = parse("j", &body, NOW.parse().unwrap());
            let _ = read(&id, json!({"startTime": time}));
        }
    }
}
