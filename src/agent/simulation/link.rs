//! Follows one connection: what the hub says, what the device answers, and when.

use std::{sync::Arc, time::Duration};

use rumqttc::{Packet, PubAck};
use serde_json::{Value, json};
use tokio::{
    sync::oneshot::{self, error::TryRecvError},
    time::{Instant, sleep_until},
};

use super::{
    Crowd, Tally,
    device::{Device, Word},
    tally::Standing,
    wire::{Wire, WireError},
};
use crate::{
    agent::link::{Action, Command, Event, ReportError, Session},
    component::pnp::code,
    iothub::Publish,
    task::{Backoff, Stop},
};

/// The longest silence of either side.
pub(super) const KEEP_ALIVE: Duration = Duration::from_mins(3);
/// How long the hub may take to answer.
const ANSWER: Duration = Duration::from_secs(30);
/// Work that takes longer is told before it is done, as the agent does.
const PATIENCE: Duration = Duration::from_millis(250);
/// The method by which the agent is asked to look at its device.
const RECHECK: &str = "twinops*recheck";

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// The end was asked for.
    Stopped,
    /// Its time was over.
    Over,
    /// It broke.
    Lost(String),
}

impl From<WireError> for End {
    fn from(fault: WireError) -> Self {
        Self::Lost(fault.to_string())
    }
}

/// What happens at a time.
enum Later {
    /// What is new is applied.
    Applied,
    /// A report goes out.
    Report { is_done: bool },
    /// A method is answered.
    Answer { rid: String, status: i32, payload: Value },
}

type Answered = oneshot::Receiver<Result<u64, ReportError>>;

/// One connection of one device.
pub(super) struct Link<'a> {
    pub(super) crowd: &'a Arc<Crowd>,
    pub(super) id: &'a str,
    pub(super) device: &'a mut Device,
    pub(super) standing: &'a mut Standing,
    /// How long the device takes to apply things, give or take a half.
    pub(super) apply: super::Length,
    wire: Wire,
    session: Box<Session>,
    later: Vec<(Instant, Later)>,
    /// The report under way: what is known once it is answered, and whether that is all.
    report: Option<Box<(Answered, Word, bool)>>,
    /// When the hub must have answered.
    deadline: Option<Instant>,
    /// When the hub must hear of the device again.
    ping: Instant,
}

impl<'a> Link<'a> {
    pub(super) fn new(
        crowd: &'a Arc<Crowd>,
        id: &'a str,
        (device, standing): (&'a mut Device, &'a mut Standing),
        apply: super::Length,
        wire: Wire,
    ) -> Self {
        let ping = Instant::now() + KEEP_ALIVE;
        let (session, later) = (Box::new(Session::new()), Vec::new());
        Self { crowd, id, device, standing, apply, wire, session, later, report: None, deadline: None, ping }
    }

    /// Follows the connection until it ends, or `over`.
    pub(super) async fn follow(mut self, over: Instant, backoff: &mut Backoff, stop: &Stop) -> End {
        let asked = self.session.ask();
        if let Err(fault) = self.act(asked).await {
            return fault;
        }
        loop {
            let next = self.next().min(over);
            let done = tokio::select! {
                packet = self.wire.packet() => match packet {
                    Ok(packet) => self.packet(packet, backoff).await,
                    Err(fault) => Err(fault.into()),
                },
                () = sleep_until(next) => match Instant::now() {
                    now if now >= over => Err(End::Over),
                    now => self.on_time(now).await,
                },
                () = stop.requested() => Err(End::Stopped),
            };
            if let Err(end) = done {
                if !matches!(end, End::Lost(_)) {
                    // A link that is closing anyway needs no goodbye that gets through.
                    let _ = tokio::time::timeout(PATIENCE, self.wire.send(&Packet::Disconnect)).await;
                }
                return end;
            }
        }
    }

    /// When something is to be done without the hub.
    fn next(&self) -> Instant {
        let times = self.later.iter().map(|(time, _)| *time).chain(self.deadline);
        times.fold(self.ping, Instant::min)
    }

    async fn on_time(&mut self, now: Instant) -> Result<(), End> {
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            return Err(End::Lost("the hub does not answer".to_owned()));
        }
        if now >= self.ping {
            self.ping = now + KEEP_ALIVE;
            self.deadline.get_or_insert(now + ANSWER);
            self.wire.send(&Packet::PingReq).await?;
        }
        while let Some(at) = self.later.iter().position(|(time, _)| now >= *time) {
            match self.later.swap_remove(at).1 {
                Later::Applied => self.report(true).await?,
                Later::Report { is_done } => self.report(is_done).await?,
                Later::Answer { rid, status, payload } => {
                    Tally::count(&self.crowd.tally.methods);
                    if let Some(action) = self.session.command(Command::Respond { rid, status, payload }) {
                        self.act(action).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn packet(&mut self, packet: Packet, backoff: &mut Backoff) -> Result<(), End> {
        self.deadline = None;
        if let Packet::Publish(message) = packet {
            if message.pkid != 0 {
                self.wire.send(&Packet::PubAck(PubAck::new(message.pkid))).await?;
            }
            for action in self.session.packet(&message.topic, &message.payload) {
                if matches!(action, Action::Tell(Event::Twin { .. })) {
                    backoff.reset();
                }
                self.act(action).await?;
            }
            self.answered();
        }
        if self.session.is_asking() || self.report.is_some() {
            self.deadline = Some(Instant::now() + ANSWER);
        }
        Ok(())
    }

    async fn act(&mut self, action: Action) -> Result<(), End> {
        match action {
            Action::Publish { topic, payload } => {
                if matches!(topic, Publish::TwinGet { .. } | Publish::TwinPatchReported { .. }) {
                    self.deadline = Some(Instant::now() + ANSWER);
                }
                self.wire.publish(topic.to_string(), payload).await?;
            }
            Action::Tell(event) => self.told(event),
            Action::Give { why } => return Err(End::Lost(why)),
        }
        Ok(())
    }

    fn told(&mut self, event: Event) {
        match event {
            Event::Twin { desired, version, reported } => {
                Tally::count(&self.crowd.tally.desired);
                if self.device.take_whole(desired, version, &reported) {
                    self.apply();
                } else {
                    self.at(Duration::ZERO, Later::Report { is_done: true });
                }
            }
            Event::Patch { patch, version } => {
                Tally::count(&self.crowd.tally.desired);
                self.device.take_patch(&patch, version);
                self.apply();
            }
            Event::Method { name, rid, .. } => self.method(&name, rid),
            Event::Offline => {}
        }
    }

    /// Begins to apply what is new; what was under way is part of that.
    fn apply(&mut self) {
        self.stand(Standing::Working);
        self.later.retain(|(_, later)| matches!(later, Later::Answer { .. }));
        let takes = self.apply.about();
        if takes > PATIENCE {
            self.at(Duration::ZERO, Later::Report { is_done: false });
        }
        self.at(takes, Later::Applied);
    }

    fn method(&mut self, name: &str, rid: String) {
        let (status, payload, after) = match self.crowd.profile.methods.get(name) {
            Some(answer) => (answer.status, answer.payload.clone(), answer.after.0),
            None if name == RECHECK => {
                let failed = self.device.word(self.id, &self.crowd.profile, true).failed;
                (i32::from(code::APPLIED), json!({ "failed": failed }), Duration::ZERO)
            }
            None => {
                let error = json!({"error": format!("this agent has no method `{name}`")});
                (i32::from(code::UNSUPPORTED), error, Duration::ZERO)
            }
        };
        self.at(after, Later::Answer { rid, status, payload });
    }

    fn at(&mut self, after: Duration, later: Later) {
        self.later.push((Instant::now() + after + self.crowd.profile.latency.0, later));
    }

    /// Tells the hub how things stand. One report at a time: the next one waits for the answer.
    async fn report(&mut self, is_done: bool) -> Result<(), End> {
        if self.report.is_some() {
            self.later.push((Instant::now() + PATIENCE, Later::Report { is_done }));
            return Ok(());
        }
        let mut word = self.device.word(self.id, &self.crowd.profile, is_done);
        let change = std::mem::take(&mut word.change);
        if change.is_empty() {
            self.settle(&word, is_done);
            return Ok(());
        }
        let (answer_tx, answer_rx) = oneshot::channel();
        self.report = Some(Box::new((answer_rx, word, is_done)));
        match self.session.command(Command::Report(change, answer_tx)) {
            Some(action) => self.act(action).await,
            None => Ok(()),
        }
    }

    /// Looks whether the report under way is answered.
    fn answered(&mut self) {
        let Some(mut report) = self.report.take() else { return };
        let answer = match report.0.try_recv() {
            Err(TryRecvError::Empty) => {
                self.report = Some(report);
                return;
            }
            Err(TryRecvError::Closed) => Err(ReportError::Offline),
            Ok(answer) => answer,
        };
        let (_, word, is_done) = *report;
        match answer {
            Ok(_) => {
                Tally::count(&self.crowd.tally.reports);
                self.settle(&word, is_done);
                self.device.told(word.whole);
            }
            Err(ReportError::Refused { status, .. }) if status == 429 || status >= 500 => {
                self.crowd.tally.trouble(&format!("the hub cannot take reports now ({status})"));
                self.later.push((Instant::now() + ANSWER, Later::Report { is_done }));
            }
            Err(fault) => {
                self.crowd.tally.trouble(&format!("a report is refused: {fault}"));
                self.stand(Standing::Failed);
            }
        }
    }

    fn settle(&mut self, word: &Word, is_done: bool) {
        let is_last = is_done && !self.later.iter().any(|(_, later)| !matches!(later, Later::Answer { .. }));
        if is_last {
            self.stand(if word.failed.is_empty() { Standing::Settled } else { Standing::Failed });
        }
    }

    fn stand(&mut self, standing: Standing) {
        self.crowd.tally.turn(*self.standing, standing);
        *self.standing = standing;
    }
}
