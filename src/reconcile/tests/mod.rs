//! Plans carried out against a scripted hub.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{Stream, stream};
use proptest::prelude::*;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{
    Event, Limits, Outcome, Stopped, apply,
    ports::{HubError, Page, Replan, Replanned, TwinRead, TwinText, TwinWrite},
};
use crate::{
    fleet::{IdentityKind, IdentitySpec},
    plan::{Group, GroupKind, Plan, PlannedDevice},
    task::Stop,
    twin::DeviceId,
};

mod reading;
mod throttle;

/// What the hub says to the next request of a device; when nothing is left, all is well.
#[derive(Debug, Clone, Copy)]
enum Say {
    Well,
    Stale,
    /// The twin moves on although the answer is lost.
    LostAnswer,
    Throttle(Option<u64>),
    Trouble,
    Broken,
    Gone,
    Unauthorized,
    Refuse,
    Exists,
    StopThenTrouble,
    StopAfter,
}

#[derive(Default)]
struct Hub {
    script: Mutex<BTreeMap<String, VecDeque<Say>>>,
    twins: Mutex<BTreeMap<String, u64>>,
    log: Mutex<Vec<String>>,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    stop: Stop,
    /// Every twin that a query returns, one text a page.
    pages: Mutex<VecDeque<&'static str>>,
}

impl Hub {
    fn new(script: &[(&str, &[Say])]) -> Self {
        let script = script.iter().map(|(device, says)| ((*device).to_owned(), says.iter().copied().collect()));
        Self { script: Mutex::new(script.collect()), ..Self::default() }
    }

    async fn answer(&self, device: &DeviceId, what: &str) -> Result<(), HubError> {
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_in_flight.fetch_max(now, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.log.lock().unwrap().push(format!("{what} {device}"));
        let say = self.script.lock().unwrap().get_mut(device.as_str()).and_then(VecDeque::pop_front);
        match say.unwrap_or(Say::Well) {
            Say::Well => Ok(()),
            Say::Stale => {
                self.touch(device);
                Err(HubError::Stale)
            }
            Say::LostAnswer => {
                self.touch(device);
                Err(HubError::Unreachable("reset".into()))
            }
            Say::Throttle(seconds) => Err(HubError::Throttled { retry_after: seconds.map(Duration::from_secs) }),
            Say::Trouble => Err(HubError::Unavailable { status: 503 }),
            Say::Broken => Err(HubError::Unreachable("reset".into())),
            Say::Gone => Err(HubError::NoDevice),
            Say::Unauthorized => Err(HubError::Unauthorized { message: "expired".into() }),
            Say::Refuse => Err(HubError::Refused { status: 400, message: "too big".into() }),
            Say::Exists => Err(HubError::Exists),
            Say::StopAfter => {
                self.stop.request();
                Ok(())
            }
            Say::StopThenTrouble => {
                self.stop.request();
                Err(HubError::Unavailable { status: 500 })
            }
        }
    }

    fn touch(&self, device: &DeviceId) {
        *self.twins.lock().unwrap().entry(device.to_string()).or_default() += 1;
    }

    fn text(&self, device: &DeviceId) -> TwinText {
        let etag = self.twins.lock().unwrap().get(device.as_str()).copied().unwrap_or_default();
        TwinText(format!(r#"{{"deviceId":"{device}","etag":"{etag}"}}"#).into())
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

impl TwinRead for Hub {
    async fn twin(&self, device: &DeviceId) -> Result<Option<TwinText>, HubError> {
        match self.answer(device, "GET").await {
            Err(HubError::NoDevice) => Ok(None),
            other => other.map(|()| Some(self.text(device))),
        }
    }

    fn twins(&self, statement: &str) -> impl Stream<Item = Result<Page, HubError>> + Send {
        self.log.lock().unwrap().push(statement.to_owned());
        let page = self.pages.lock().unwrap().pop_front();
        stream::iter(page.map(|text| Ok(Page::Array(text.into()))))
    }
}

impl TwinWrite for Hub {
    async fn patch(&self, device: &DeviceId, etag: &str, patch: &RawValue) -> Result<TwinText, HubError> {
        let expected = self.twins.lock().unwrap().get(device.as_str()).copied().unwrap_or_default().to_string();
        let fresh = expected == etag;
        self.answer(device, &format!("PATCH {etag} {patch}")).await?;
        if !fresh {
            return Err(HubError::Stale);
        }
        self.touch(device);
        Ok(self.text(device))
    }

    async fn register(&self, device: &DeviceId, _identity: &IdentitySpec) -> Result<(), HubError> {
        self.answer(device, "PUT").await
    }
}

/// Plans `{"again":1}` for whatever it is shown, or nothing, or an adopt, by the device's first letter.
struct Planner;

impl Replan for Planner {
    fn replan(&self, twin: &TwinText) -> Result<Option<Replanned>, String> {
        let row = twin.row().map_err(|error| error.to_string())?;
        let deltas = match row.device_id.as_bytes().first() {
            Some(b'n') => return Ok(None),
            Some(b'x') => return Err("cannot be planned".into()),
            Some(b'm') => 0,
            _ => 1,
        };
        Ok(Some(Replanned { patch: raw(r#"{"again":1}"#), before: None, etag: row.etag.into(), deltas }))
    }
}

fn raw(text: &str) -> Arc<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap().into()
}

fn id(text: &str) -> DeviceId {
    text.parse().unwrap()
}

fn plan(devices: &[&str]) -> Plan {
    let device = |name: &&str| {
        let register = IdentitySpec { kind: IdentityKind::Sas, primary_thumbprint: None, secondary_thumbprint: None };
        let new = name.ends_with('+');
        PlannedDevice {
            device: id(name),
            etag: (!new).then(|| "0".into()),
            managed: false,
            register: new.then(|| Box::new(register)),
        }
    };
    let group = Group {
        kind: GroupKind::Change,
        deltas: Arc::new([]),
        patch: raw(r#"{"tags":{"a":1}}"#),
        before: None,
        redacted: None,
        goes_back: false,
        devices: devices.iter().map(device).collect(),
    };
    Plan { groups: vec![group], ..Plan::default() }
}

async fn run(hub: &Hub, devices: &[&str], limits: Limits) -> (Outcome, Vec<Event>) {
    carry_out(hub, plan(devices), limits).await
}

async fn carry_out(hub: &Hub, plan: Plan, limits: Limits) -> (Outcome, Vec<Event>) {
    let events = Mutex::new(Vec::new());
    let note = |event: Event| events.lock().unwrap().push(event);
    let outcome = apply(plan, hub, &Planner, limits, &note, &hub.stop).await;
    (outcome, events.into_inner().unwrap())
}

/// A plan whose devices are prepared by a write of its own.
fn in_two_writes(devices: &[&str]) -> Plan {
    let mut plan = plan(devices);
    plan.groups[0].before = Some(raw(r#"{"first":1}"#));
    plan
}

fn one_at_a_time() -> Limits {
    Limits { concurrency: 1, ..Limits::default() }
}

#[tokio::test(start_paused = true)]
async fn every_device_gets_one_patch_with_its_etag() {
    let hub = Hub::new(&[]);
    let (outcome, events) = run(&hub, &["a", "b"], one_at_a_time()).await;
    assert_eq!(outcome, Outcome { applied: 2, ..Outcome::default() });
    assert!(outcome.is_complete());
    assert_eq!(hub.log(), [r#"PATCH 0 {"tags":{"a":1}} a"#, r#"PATCH 0 {"tags":{"a":1}} b"#]);
    let applied = |name| Event::Applied { device: id(name), adopt: false };
    assert_eq!(events, [Event::Started { total: 2 }, applied("a"), applied("b"), Event::Finished]);
}

#[tokio::test(start_paused = true)]
async fn a_stale_device_is_read_planned_afresh_and_written_by_its_new_etag() {
    let hub = Hub::new(&[("a", &[Say::Stale])]);
    let (outcome, _) = run(&hub, &["a"], one_at_a_time()).await;
    assert_eq!(outcome, Outcome { applied: 1, ..Outcome::default() });
    assert_eq!(hub.log(), [r#"PATCH 0 {"tags":{"a":1}} a"#, "GET a", r#"PATCH 1 {"again":1} a"#]);
}

#[tokio::test(start_paused = true)]
async fn a_stale_device_may_need_nothing_or_only_its_marker_or_be_past_planning() {
    let hub = Hub::new(&[("n", &[Say::Stale]), ("m", &[Say::Stale]), ("x", &[Say::Stale])]);
    let (outcome, _) = run(&hub, &["n", "m", "x"], one_at_a_time()).await;
    assert_eq!((outcome.unchanged, outcome.adopted, outcome.applied), (1, 1, 0));
    assert_eq!(&*outcome.failed[0].reason, "cannot be planned");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_keeps_moving_is_refused_and_never_forced() {
    let hub = Hub::new(&[("a", &[Say::Stale, Say::Well, Say::Stale, Say::Well, Say::Stale])]);
    let (outcome, _) = run(&hub, &["a"], Limits { stale_tries: 2, ..one_at_a_time() }).await;
    assert_eq!(outcome, Outcome { stale: vec![id("a")], ..Outcome::default() });
    assert_eq!(hub.log().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_refuses_a_stale_device_at_once() {
    let hub = Hub::new(&[("a", &[Say::Stale])]);
    let (outcome, _) = run(&hub, &["a", "b"], Limits { stale_tries: 0, ..one_at_a_time() }).await;
    assert_eq!((outcome.applied, outcome.stale), (1, vec![id("a")]));
    assert_eq!(hub.log().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_was_lost_counts_as_ours() {
    let hub = Hub::new(&[("n", &[Say::LostAnswer])]);
    let (outcome, _) = run(&hub, &["n"], Limits { stale_tries: 0, ..one_at_a_time() }).await;
    assert_eq!(outcome, Outcome { applied: 1, ..Outcome::default() });
}

#[tokio::test(start_paused = true)]
async fn throttling_slows_the_whole_run_and_loses_nobody() {
    let hub = Hub::new(&[("d0", &[Say::Throttle(Some(20))]), ("d1", &[Say::Throttle(Some(20))])]);
    let names: Vec<String> = (0..40).map(|n| format!("d{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let before = Instant::now();
    let (outcome, events) = run(&hub, &names, Limits { concurrency: 8, ..Limits::default() }).await;
    assert_eq!(outcome, Outcome { applied: 40, ..Outcome::default() });
    let pauses: Vec<_> = events.iter().filter(|event| matches!(event, Event::Throttled { .. })).collect();
    assert_eq!(pauses, [&Event::Throttled { wait: Duration::from_secs(20), concurrency: 4 }]);
    assert!(before.elapsed() >= Duration::from_secs(20));
    assert_eq!(hub.most_in_flight.load(Ordering::Relaxed), 8);
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_throttles_without_end_ends_the_run() {
    let hub = Hub::new(&[("a", &[Say::Throttle(None); 500])]);
    let (outcome, _) = run(&hub, &["a", "b"], one_at_a_time()).await;
    assert_eq!(outcome.stopped, Some(Stopped::Hub("the hub is throttling".into())));
    assert_eq!((outcome.failed.len(), outcome.not_attempted), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn trouble_and_broken_connections_are_waited_out() {
    let hub = Hub::new(&[("a", &[Say::Trouble, Say::Broken, Say::Trouble])]);
    let (outcome, events) = run(&hub, &["a"], one_at_a_time()).await;
    assert_eq!(outcome, Outcome { applied: 1, ..Outcome::default() });
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Retrying { .. })).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_device_in_endless_trouble_fails_alone() {
    let hub = Hub::new(&[("a", &vec![Say::Trouble; 5000])]);
    let names: Vec<String> = (0..9000).map(|n| format!("d{n}")).collect();
    let names: Vec<&str> = std::iter::once("a").chain(names.iter().map(String::as_str)).collect();
    let limits = Limits { concurrency: 2, patience: Duration::from_mins(1), ..Limits::default() };
    let (outcome, _) = run(&hub, &names, limits).await;
    assert_eq!((outcome.applied, outcome.stopped), (9000, None));
    assert_eq!(&*outcome.failed[0].reason, "the hub cannot answer now (HTTP 503)");
}

#[tokio::test(start_paused = true)]
async fn devices_fail_alone() {
    let hub = Hub::new(&[("a", &[Say::Gone]), ("b", &[Say::Refuse])]);
    let (outcome, _) = run(&hub, &["a", "b", "c"], one_at_a_time()).await;
    assert_eq!((outcome.applied, outcome.failed.len(), outcome.stopped), (1, 2, None));
    assert_eq!(&*outcome.failed[1].reason, "the hub refuses: too big");
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_end_the_run_with_the_hubs_words() {
    let hub = Hub::new(&[("b", &[Say::Unauthorized])]);
    let (outcome, _) = run(&hub, &["a", "b", "c", "d"], one_at_a_time()).await;
    assert_eq!(outcome.stopped, Some(Stopped::Hub("the hub refuses these credentials: expired".into())));
    assert_eq!((outcome.applied, outcome.failed.len(), outcome.not_attempted), (1, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_device_is_registered_read_planned_and_written() {
    let hub = Hub::new(&[]);
    let (outcome, _) = run(&hub, &["new+"], one_at_a_time()).await;
    // The planner wants nothing of devices that begin with n: the registration is all.
    assert_eq!(outcome, Outcome { unchanged: 1, registered: 1, ..Outcome::default() });
    let hub = Hub::new(&[("a+", &[Say::Exists])]);
    let (outcome, _) = run(&hub, &["a+"], one_at_a_time()).await;
    assert_eq!(outcome, Outcome { applied: 1, ..Outcome::default() });
    assert_eq!(hub.log(), ["PUT a+", "GET a+", r#"PATCH 0 {"again":1} a+"#]);
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_what_is_in_flight_and_leaves_the_rest() {
    let hub = Hub::new(&[("b", &[Say::StopThenTrouble])]);
    let (outcome, _) = run(&hub, &["a", "b", "c", "d"], one_at_a_time()).await;
    assert_eq!(outcome.stopped, Some(Stopped::Interrupted));
    assert_eq!((outcome.applied, outcome.not_attempted), (1, 2));
    assert!(outcome.failed[0].reason.starts_with("stopped while it is not known"), "{outcome:?}");
}

fn any_say() -> impl Strategy<Value = Say> {
    use Say::{
        Broken, Exists, Gone, LostAnswer, Refuse, Stale, StopThenTrouble, Throttle, Trouble, Unauthorized, Well,
    };
    let mild = [Well, Stale, LostAnswer, Throttle(None), Throttle(Some(3)), Trouble, Broken, Exists];
    let harsh = [Gone, Refuse, Unauthorized, StopThenTrouble];
    prop_oneof![9 => prop::sample::select(mild.to_vec()), 1 => prop::sample::select(harsh.to_vec())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_a_hub_says_every_device_comes_to_exactly_one_end(
        says in prop::collection::vec(prop::collection::vec(any_say(), 0..8), 1..12),
        concurrency in 1_usize..6,
    ) {
        let name = |n: usize| format!("{}{n}{}", ['a', 'n', 'm', 'x'][n % 4], if n.is_multiple_of(3) { "+" } else { "" });
        let names: Vec<String> = (0..says.len()).map(name).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let script: Vec<_> = names.iter().copied().zip(says.iter().map(Vec::as_slice)).collect();
        let hub = Hub::new(&script);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let limits = Limits { concurrency, ..Limits::default() };
        let (outcome, events) = runtime.block_on(run(&hub, &names, limits));
        let ends = outcome.written() + outcome.unchanged + outcome.not_attempted;
        let named = outcome.stale.len() + outcome.failed.len();
        prop_assert_eq!(ends + named as u64, names.len() as u64);
        prop_assert!(outcome.stopped.is_some() || outcome.not_attempted == 0);
        prop_assert!(hub.most_in_flight.load(Ordering::Relaxed) <= concurrency);
        let written = events.iter().filter(|event| matches!(event, Event::Applied { .. })).count();
        prop_assert_eq!(written as u64, outcome.written());
    }
}

#[tokio::test(start_paused = true)]
async fn the_second_of_two_writes_rests_on_what_the_first_left() {
    let hub = Hub::new(&[]);
    let (outcome, _) = carry_out(&hub, in_two_writes(&["a"]), Limits::default()).await;
    assert_eq!(outcome.applied, 1);
    assert_eq!(hub.log(), [r#"PATCH 0 {"first":1} a"#, r#"PATCH 1 {"tags":{"a":1}} a"#]);
}

#[tokio::test(start_paused = true)]
async fn a_first_write_that_comes_too_late_is_planned_afresh() {
    let hub = Hub::new(&[("a", &[Say::Stale])]);
    let (outcome, _) = carry_out(&hub, in_two_writes(&["a"]), Limits::default()).await;
    assert_eq!(outcome.applied, 1);
    assert_eq!(hub.log(), [r#"PATCH 0 {"first":1} a"#, "GET a", r#"PATCH 1 {"again":1} a"#]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_between_two_writes_is_no_device_that_was_not_attempted() {
    let hub = Hub::new(&[("a", &[Say::StopAfter])]);
    let (outcome, _) = carry_out(&hub, in_two_writes(&["a"]), Limits::default()).await;
    assert_eq!((outcome.failed.len(), outcome.not_attempted), (1, 0));
    assert!(outcome.failed[0].reason.contains("between the two writes"), "{:?}", outcome.failed);
}
