//! What one connection has to remember, apart from how its packets travel. Pure: packets in, actions out.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use tokio::sync::oneshot;
use tracing::{debug, warn};

use super::{
    Command, Event, ReportError,
    tracker::{Step, Tracker},
};
use crate::{
    iothub::{Deliver, Publish},
    twin::{Map, Properties},
};

/// What the connection is to do next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    /// Publish this.
    Publish { topic: Publish, payload: Vec<u8> },
    /// Tell the agent.
    Tell(Event),
    /// The connection is of no use; begin anew.
    Give { why: String },
}

/// The twin as a device sees it (protocol reference 5.4).
#[derive(Deserialize)]
struct DeviceView {
    #[serde(default)]
    desired: Properties,
    #[serde(default)]
    reported: Properties,
}

#[derive(Deserialize)]
struct Refused {
    #[serde(default)]
    message: String,
}

type Answer = oneshot::Sender<Result<u64, ReportError>>;

/// The requests under way and the place in the stream of versions.
#[derive(Debug)]
pub(super) struct Session {
    tracker: Tracker,
    /// The request id of the question for the twin.
    asked: Option<String>,
    reports: HashMap<String, Answer>,
    /// Direct methods that nobody has answered yet.
    methods: HashSet<String>,
    rid: u64,
}

impl Session {
    pub(super) fn new() -> Self {
        Self { tracker: Tracker::asking(), asked: None, reports: HashMap::new(), methods: HashSet::new(), rid: 0 }
    }

    /// Whether the twin has been asked for and has not come.
    pub(super) fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    /// Whether someone waits for what is under way here: a report of ours, or a direct method of the hub's.
    pub(super) fn is_owing(&self) -> bool {
        !self.methods.is_empty() || self.reports.values().any(|answer| !answer.is_closed())
    }

    /// Asks for the twin.
    pub(super) fn ask(&mut self) -> Action {
        self.tracker = Tracker::asking();
        let rid = self.next_rid();
        let topic = Publish::TwinGet { rid: rid.clone() };
        self.asked = Some(rid);
        // The body is ignored; SDKs send a space.
        Action::Publish { topic, payload: b" ".to_vec() }
    }

    /// Something from the agent.
    pub(super) fn command(&mut self, command: Command) -> Option<Action> {
        match command {
            Command::Report(patch, answer) => {
                self.reports.retain(|_, answer| !answer.is_closed());
                let rid = self.next_rid();
                let topic = Publish::TwinPatchReported { rid: rid.clone(), version: None };
                self.reports.insert(rid, answer);
                Some(Action::Publish { topic, payload: text(&patch) })
            }
            Command::Respond { rid, status, payload } => {
                self.methods.remove(&rid);
                Some(Action::Publish { topic: Publish::MethodResponse { status, rid }, payload: text(&payload) })
            }
            // The connection itself answers that, by ending.
            Command::Prove(_) => None,
            Command::Refresh if self.is_asking() => None,
            Command::Refresh => Some(self.ask()),
        }
    }

    /// Something from the hub.
    pub(super) fn packet(&mut self, topic: &str, payload: &[u8]) -> Vec<Action> {
        match topic.parse() {
            Ok(Deliver::TwinResponse { status, rid, version }) => self.answer(status, &rid, version, payload),
            Ok(Deliver::DesiredPatch { version }) => self.desired(version, payload),
            Ok(Deliver::Method { name, rid }) => {
                self.methods.insert(rid.clone());
                vec![Action::Tell(Event::Method { name, rid, payload: payload.to_vec() })]
            }
            Ok(Deliver::CloudToDevice { .. } | Deliver::ModuleInput { .. }) => Vec::new(),
            Err(fault) => {
                debug!(%fault, "a message that cannot be read");
                Vec::new()
            }
        }
    }

    fn answer(&mut self, status: u16, rid: &str, version: Option<u64>, payload: &[u8]) -> Vec<Action> {
        if self.asked.as_deref() == Some(rid) {
            self.asked = None;
            return self.twin(status, payload);
        }
        if let Some(waiting) = self.reports.remove(rid) {
            let answer = if status < 300 { Ok(version.unwrap_or(0)) } else { Err(refused(status, payload)) };
            // Whoever asked may have stopped waiting.
            let _ = waiting.send(answer);
        }
        Vec::new()
    }

    fn twin(&mut self, status: u16, payload: &[u8]) -> Vec<Action> {
        if status >= 300 {
            return vec![Action::Give { why: format!("the hub does not give the twin: {}", refused(status, payload)) }];
        }
        let view: DeviceView = match serde_json::from_slice(payload) {
            Ok(view) => view,
            Err(fault) => return vec![Action::Give { why: format!("the hub's twin cannot be read: {fault}") }],
        };
        let version = view.desired.version;
        let whole = Event::Twin { desired: view.desired.values, version, reported: view.reported.values };
        let mut actions = vec![Action::Tell(whole)];
        for step in self.tracker.answered(version) {
            actions.extend(self.act(step));
        }
        actions
    }

    fn desired(&mut self, version: u64, payload: &[u8]) -> Vec<Action> {
        let Ok(mut patch) = serde_json::from_slice::<Map>(payload) else {
            warn!("a desired notification cannot be read; asking for the twin");
            return vec![self.ask()];
        };
        patch.remove("$version");
        let step = self.tracker.notified(version, patch);
        self.act(step).into_iter().collect()
    }

    fn act(&mut self, step: Step) -> Option<Action> {
        match step {
            Step::Nothing => None,
            Step::Deliver(version, patch) => Some(Action::Tell(Event::Patch { patch, version })),
            Step::Ask => Some(self.ask()),
        }
    }

    fn next_rid(&mut self) -> String {
        self.rid += 1;
        self.rid.to_string()
    }
}

fn refused(status: u16, payload: &[u8]) -> ReportError {
    let message = serde_json::from_slice(payload).map_or_else(|_| String::new(), |body: Refused| body.message);
    ReportError::Refused { status, message }
}

fn text(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn map(value: Value) -> Map {
        let Value::Object(map) = value else { panic!("an object") };
        map
    }

    fn online() -> Session {
        let mut session = Session::new();
        session.ask();
        let twin = br#"{"desired":{"a":1,"$version":4},"reported":{"b":2,"$version":9}}"#;
        let told = session.packet("$iothub/twin/res/200/?$rid=1", twin);
        let event = Event::Twin { desired: map(json!({"a": 1})), version: 4, reported: map(json!({"b": 2})) };
        assert_eq!(told, [Action::Tell(event)]);
        session
    }

    #[test]
    fn the_twin_comes_before_the_notifications_that_overtook_it() {
        let mut session = Session::new();
        session.ask();
        let early = session.packet("$iothub/twin/PATCH/properties/desired/?$version=5", br#"{"a":2,"$version":5}"#);
        assert_eq!(early, []);
        let told = session.packet("$iothub/twin/res/200/?$rid=1", br#"{"desired":{"a":1,"$version":4},"reported":{}}"#);
        let patch = Action::Tell(Event::Patch { patch: map(json!({"a": 2})), version: 5 });
        assert_eq!(told.len(), 2);
        assert_eq!(told[1], patch);
    }

    #[test]
    fn a_gap_asks_for_the_twin() {
        let told = online().packet("$iothub/twin/PATCH/properties/desired/?$version=7", br#"{"$version":7}"#);
        assert_eq!(told, [Action::Publish { topic: Publish::TwinGet { rid: "2".into() }, payload: b" ".to_vec() }]);
    }

    #[tokio::test]
    async fn a_report_is_answered_by_its_own_request_id() {
        let mut session = online();
        let (first_tx, first_rx) = oneshot::channel();
        let (second_tx, second_rx) = oneshot::channel();
        let sent = session.command(Command::Report(map(json!({"x": 1})), first_tx));
        let topic = Publish::TwinPatchReported { rid: "2".into(), version: None };
        assert_eq!(sent, Some(Action::Publish { topic, payload: br#"{"x":1}"#.to_vec() }));
        session.command(Command::Report(map(json!({"y": 1})), second_tx));
        let body = br#"{"errorCode":400004,"message":"no","trackingId":"t","timestampUtc":"z"}"#;
        session.packet("$iothub/twin/res/400/?$rid=3", body);
        session.packet("$iothub/twin/res/204/?$rid=2&$version=10", b"");
        assert_eq!(first_rx.await.unwrap(), Ok(10));
        assert_eq!(second_rx.await.unwrap(), Err(ReportError::Refused { status: 400, message: "no".into() }));
    }

    #[test]
    fn a_twin_that_is_refused_gives_the_connection_up() {
        let mut session = Session::new();
        session.ask();
        let told = session.packet("$iothub/twin/res/503/?$rid=1", b"");
        assert!(matches!(told.as_slice(), [Action::Give { .. }]));
    }

    #[test]
    fn methods_are_passed_on_with_their_request_id_and_owed_until_they_are_answered() {
        let mut session = online();
        let told = session.packet("$iothub/methods/POST/twinops*recheck/?$rid=ab", b"null");
        let event = Event::Method { name: "twinops*recheck".into(), rid: "ab".into(), payload: b"null".to_vec() };
        assert_eq!(told, [Action::Tell(event)]);
        assert!(session.is_owing());
        session.command(Command::Respond { rid: "ab".into(), status: 200, payload: Value::Null });
        assert!(!session.is_owing());
    }

    proptest! {
        #[test]
        fn no_packet_makes_the_session_panic(topic in r"(\$iothub|/|twin|res|200|\?|\$rid=|1|methods|POST|.){0,12}", payload in any::<Vec<u8>>()) {
            let mut session = Session::new();
            session.ask();
            session.packet(&topic, &payload);
        }
    }
}
