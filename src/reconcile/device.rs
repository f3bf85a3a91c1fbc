//! One device, from its plan to what has come of it.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::{
    call::{Answer, Run},
    outcome::{Event, Events},
    ports::{HubError, Replan, Replanned, TwinRead, TwinText, TwinWrite},
};
use crate::{
    fleet::IdentitySpec,
    plan::{GroupKind, PlannedDevice, quota::Operation},
    twin::DeviceId,
};

/// A device and the write that it is to get.
pub(super) struct Job {
    pub(super) planned: PlannedDevice,
    pub(super) patch: Arc<RawValue>,
    pub(super) before: Option<Arc<RawValue>>,
    pub(super) kind: GroupKind,
    /// Secrets are missing from the patch.
    pub(super) redacted: bool,
    /// The twin to plan afresh by, where it was read ahead.
    pub(super) twin: Option<TwinText>,
}

impl Job {
    /// Whether the twin has to be read before anything else.
    pub(super) const fn reads_first(&self) -> bool {
        self.planned.etag.is_none() && self.planned.register.is_none()
    }
}

/// What has come of one device.
#[derive(Debug)]
pub(super) enum End {
    Applied,
    Adopted,
    Unchanged,
    Stale,
    Failed(Arc<str>),
    NotAttempted,
}

/// What a device has been through.
#[derive(Debug, Default)]
pub(super) struct Trail {
    pub(super) registered: bool,
    /// A PATCH of ours may have been taken although its answer was lost.
    maybe_written: Option<GroupKind>,
    /// The first of two writes has been made.
    half_written: bool,
}

/// The next thing to do for a device.
enum Step {
    Register(IdentitySpec),
    Read,
    FillIn { redacted: Arc<RawValue>, etag: Box<str> },
    Prepare { before: Arc<RawValue>, patch: Arc<RawValue>, etag: Box<str>, kind: GroupKind },
    Patch { patch: Arc<RawValue>, etag: Box<str>, kind: GroupKind },
    End(End),
}

/// One device on its way through a run.
pub(super) struct Journey<'a, H, R, E> {
    pub(super) run: &'a Run<'a, E>,
    pub(super) hub: &'a H,
    pub(super) replan: &'a R,
    pub(super) device: DeviceId,
    /// How often a stale twin is planned afresh.
    pub(super) stale_tries: u32,
    pub(super) trail: Trail,
}

impl<H: TwinRead + TwinWrite, R: Replan, E: Events> Journey<'_, H, R, E> {
    /// Walks until the device has come to an end.
    pub(super) async fn walk(&mut self, mut job: Job) -> End {
        let mut step = match job.twin.take() {
            // Nothing is begun any more.
            Some(_) if self.run.stop.is_requested() => Step::End(End::NotAttempted),
            // An index that is behind decides over no device: only a write, whose etag it has to know, rests on it.
            Some(twin) => match self.plan_afresh(&twin) {
                Step::End(_) => Step::Read,
                step => step,
            },
            None => first_step(job),
        };
        loop {
            step = match step {
                Step::Register(identity) => self.register(&identity).await,
                Step::Read => self.read().await,
                Step::FillIn { redacted, etag } => self.fill_in(&redacted, &etag).await,
                Step::Prepare { before, patch, etag, kind } => self.prepare(&before, patch, &etag, kind).await,
                Step::Patch { patch, etag, kind } => self.patch(&patch, &etag, kind).await,
                Step::End(end) => return end,
            };
        }
    }

    async fn register(&mut self, identity: &IdentitySpec) -> Step {
        match self.run.call(Operation::Registration, &self.device, || self.hub.register(&self.device, identity)).await {
            Answer::Done(()) => self.registered(),
            // An earlier attempt of ours whose answer was lost, or somebody else: either way it exists now.
            Answer::Refused { error: HubError::Exists, repeated } => {
                if repeated {
                    return self.registered();
                }
                Step::Read
            }
            other => self.end(other),
        }
    }

    fn registered(&mut self) -> Step {
        self.trail.registered = true;
        self.run.events.on(Event::Registered { device: self.device.clone() });
        Step::Read
    }

    async fn read(&self) -> Step {
        match self.run.call(Operation::TwinRead, &self.device, || self.hub.twin(&self.device)).await {
            Answer::Done(Some(twin)) => self.plan_afresh(&twin),
            Answer::Done(None) => self.failed(&HubError::NoDevice),
            other => self.end(other),
        }
    }

    /// What was saved without its secrets gets them, if the twin is still the one that it was planned against.
    async fn fill_in(&self, redacted: &RawValue, etag: &str) -> Step {
        let twin = match self.run.call(Operation::TwinRead, &self.device, || self.hub.twin(&self.device)).await {
            Answer::Done(Some(twin)) => twin,
            Answer::Done(None) => return self.failed(&HubError::NoDevice),
            other => return self.end(other),
        };
        match twin.row() {
            Ok(row) if *row.etag != *etag => return Step::End(End::Stale),
            Ok(_) => {}
            Err(error) => return self.failed(&HubError::Answer(Box::new(error))),
        }
        match self.replan.fill_in(&twin, redacted) {
            Ok(Some(found)) => writing_of(found),
            Ok(None) => Step::End(End::Stale),
            Err(reason) => Step::End(End::Failed(self.run.share(reason))),
        }
    }

    fn plan_afresh(&self, twin: &TwinText) -> Step {
        match (self.replan.replan(twin), self.trail.maybe_written) {
            (Ok(Some(found)), _) => writing_of(found),
            (Ok(None), Some(kind)) => Step::End(written(kind)),
            (Ok(None), None) => Step::End(End::Unchanged),
            (Err(reason), _) => Step::End(End::Failed(self.run.share(reason))),
        }
    }

    /// The first of two writes; the second rests on what it leaves.
    async fn prepare(&mut self, before: &RawValue, patch: Arc<RawValue>, etag: &str, kind: GroupKind) -> Step {
        match self.run.call(Operation::TwinWrite, &self.device, || self.hub.patch(&self.device, etag, before)).await {
            Answer::Done(twin) => {
                self.trail.half_written = true;
                match twin.row() {
                    Ok(row) => Step::Patch { patch, etag: row.etag.as_ref().into(), kind },
                    Err(error) => self.failed(&HubError::Answer(Box::new(error))),
                }
            }
            Answer::Refused { error: HubError::Stale, repeated } => self.stale(repeated),
            other => self.end(other),
        }
    }

    async fn patch(&mut self, patch: &RawValue, etag: &str, kind: GroupKind) -> Step {
        match self.run.call(Operation::TwinWrite, &self.device, || self.hub.patch(&self.device, etag, patch)).await {
            Answer::Done(_) => Step::End(written(kind)),
            Answer::Refused { error: HubError::Stale, repeated } => {
                if repeated {
                    self.trail.maybe_written = Some(kind);
                }
                self.stale(repeated)
            }
            other => self.end(other),
        }
    }

    /// A twin that has moved on is planned afresh a few times. When the move may be our own write, looking at it
    /// once more costs no try.
    fn stale(&mut self, repeated: bool) -> Step {
        if self.stale_tries == 0 && !repeated {
            return Step::End(End::Stale);
        }
        self.stale_tries = self.stale_tries.saturating_sub(1);
        self.run.events.on(Event::Replanned { device: self.device.clone() });
        Step::Read
    }

    fn end<T>(&self, answer: Answer<T>) -> Step {
        match answer {
            Answer::Refused { error, .. } => {
                if matches!(error, HubError::Unauthorized { .. }) {
                    self.run.halt(&error);
                }
                self.failed(&error)
            }
            Answer::Unclear(error) => {
                let reason = self.run.reason(&error);
                let text = format!("stopped while it is not known whether the hub took the last write ({reason})");
                Step::End(End::Failed(self.run.share(text)))
            }
            Answer::NotSent if self.trail.half_written => {
                let text = "stopped between the two writes of a component; the next run makes the second".to_owned();
                Step::End(End::Failed(self.run.share(text)))
            }
            Answer::NotSent | Answer::Done(_) => Step::End(End::NotAttempted),
        }
    }

    fn failed(&self, error: &HubError) -> Step {
        Step::End(End::Failed(self.run.reason(error)))
    }
}

fn first_step(job: Job) -> Step {
    match (job.planned.etag, job.planned.register) {
        (Some(etag), _) if job.redacted => Step::FillIn { redacted: job.patch, etag },
        (Some(etag), _) => writing(job.before, job.patch, etag, job.kind),
        (None, Some(identity)) => Step::Register(*identity),
        (None, None) => Step::Read,
    }
}

fn writing_of(Replanned { patch, before, etag, deltas }: Replanned) -> Step {
    writing(before, patch, etag, if deltas == 0 { GroupKind::Adopt } else { GroupKind::Change })
}

fn writing(before: Option<Arc<RawValue>>, patch: Arc<RawValue>, etag: Box<str>, kind: GroupKind) -> Step {
    match before {
        Some(before) => Step::Prepare { before, patch, etag, kind },
        None => Step::Patch { patch, etag, kind },
    }
}

const fn written(kind: GroupKind) -> End {
    match kind {
        GroupKind::Change => End::Applied,
        GroupKind::Adopt => End::Adopted,
    }
}
