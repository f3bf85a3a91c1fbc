//! What one device is to do in a job.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::timeout;

use super::{
    super::{Core, Decision, MethodCall},
    document::{Job, JobType},
    part::{End, Part, Times},
};
use crate::{
    hub::{
        failure::Failure,
        ports::{LinkId, Links},
        record::{Mode, Record, TwinWrite},
        store::Store,
        time,
    },
    iothub::{ErrorCode, IfMatch},
    task::Stop,
};

/// Where a run takes the time from.
pub(super) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A write or a call, read and checked.
#[derive(Debug, Clone)]
pub(super) enum Work {
    Write(TwinWrite, Option<IfMatch>),
    Call(MethodCall),
}

/// Work for many devices.
pub(super) struct Order {
    pub(super) job: Box<str>,
    pub(super) kind: JobType,
    pub(super) work: Work,
    /// After this no device begins, and no answer is waited for.
    pub(super) deadline: Timestamp,
    pub(super) clock: Clock,
}

#[derive(serde::Deserialize)]
struct Edition {
    etag: Option<String>,
}

impl Work {
    /// What a job asks for.
    pub(super) fn of(job: &Job) -> Result<Self, Failure> {
        match job.kind {
            JobType::ScheduleUpdateTwin => {
                let text = job.update_twin.as_ref().ok_or_else(|| Failure::invalid("updateTwin: missing"))?;
                let write = TwinWrite::parse(text.get().as_bytes(), Mode::Merge)?;
                let etag = serde_json::from_str::<Edition>(text.get()).ok().and_then(|edition| edition.etag);
                let if_match = etag.filter(|etag| !etag.is_empty()).map(|etag| IfMatch::parse(&etag));
                Ok(Self::Write(write, if_match))
            }
            JobType::ScheduleDeviceMethod => {
                let text = job.cloud_to_device_method.as_ref();
                let text = text.ok_or_else(|| Failure::invalid("cloudToDeviceMethod: missing"))?;
                MethodCall::parse(text.get().as_bytes()).map(Self::Call)
            }
        }
    }
}

impl Order {
    /// Lets a device do its part. Nothing if `held` ended before it could: then the part is as good as not begun. An
    /// error is one of the hub's, not of the device.
    pub(super) async fn carry_out<S: Store, L: Links>(
        &self,
        core: &Core<S, L>,
        link: LinkId,
        held: &Stop,
    ) -> Result<Option<Part>, Failure> {
        let began = (self.clock)();
        let left = Duration::try_from(self.deadline.duration_since(began)).unwrap_or_default();
        let end = match &self.work {
            _ if left.is_zero() => End::Failed(over()),
            // Not given up half way: what is stored must also be told.
            Work::Write(write, if_match) => core.write_part(&link, write, if_match.as_ref()).await,
            Work::Call(call) => match held.unless(timeout(left, core.call_part(&link, call))).await {
                None => return Ok(None),
                Some(answered) => answered.unwrap_or_else(|_| End::Failed(over())),
            },
        };
        match end {
            End::Failed(failure) if failure.code == ErrorCode::ServiceUnavailable => Err(failure),
            end => {
                let (began, ended) = (time::text(began), time::text((self.clock)()));
                let times = Times { began: &began, ended: &ended };
                Part::new(&self.job, self.kind, link, times, &end).map(Some)
            }
        }
    }
}

fn over() -> Failure {
    Failure::new(ErrorCode::RequestTimedOut, "the job's maxExecutionTimeInSeconds was over")
}

impl<S: Store, L: Links> Core<S, L> {
    async fn write_part(&self, link: &LinkId, write: &TwinWrite, if_match: Option<&IfMatch>) -> End {
        let change = |record: &mut Record| {
            if if_match.is_some_and(|if_match| !if_match.allows(&record.etag())) {
                return Err(Failure::stale());
            }
            let told = write.apply(record, &time::text(time::now()))?;
            Ok(if write.is_empty() { Decision::Leave(told) } else { Decision::Write(told) })
        };
        self.change_twin(link, change).await.map_or_else(End::Failed, |_| End::Written)
    }

    async fn call_part(&self, link: &LinkId, call: &MethodCall) -> End {
        self.call(link, call.clone()).await.map_or_else(End::Failed, End::Answered)
    }
}
