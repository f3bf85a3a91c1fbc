//! Rollouts on whole twins: what is planned, held, taken back and tried again.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::*;
use crate::{
    fleet::{Approval, ApprovalSpec, Gate, GateOf, OnFailure, Rollout, Wave, Window, WindowSpec},
    plan::rollout::{Course, Phase, Returning, Terms},
};

const NOW: &str = "2026-06-10T12:00:00Z";

fn wave(name: &str, condition: Option<&str>) -> Wave {
    let condition = condition.map(|text| Condition::parse(text).unwrap());
    Wave { name: name.into(), condition, percent: None, approval: false }
}

/// A revision in which the message of the day reads so.
fn saying(message: &str) -> Fleet {
    let soak = std::time::Duration::from_mins(1);
    let gate = Gate { compliant: 100, failed: 0, soak, timeout: None, of: GateOf::Reachable };
    let rollout = Rollout {
        name: "kiosks".into(),
        document: DocumentRef { file: "rollout.yaml".into(), document: 0 },
        condition: None,
        waves: vec![wave("canary", Some("tags.ring = 'canary'")), wave("rest", None)],
        gate,
        on_failure: OnFailure::Rollback,
        window: None,
    };
    let profiles = vec![profile("base", None, 0, json!({ "motd": { "text": message } }))];
    Fleet { rollouts: vec![Arc::new(rollout)], ..fleet(profiles) }
}

fn changed(mut fleet: Fleet, change: impl FnOnce(&mut Rollout)) -> Fleet {
    let mut rollout = (*fleet.rollouts[0]).clone();
    change(&mut rollout);
    fleet.rollouts = vec![Arc::new(rollout)];
    fleet
}

/// A device that is connected.
fn kiosk(id: &str, ring: &str) -> Twin {
    let mut kiosk = twin(json!({ "ring": ring }), json!({}));
    kiosk.device_id = DeviceId::new(id).unwrap();
    kiosk.connection_state = Some("Connected".to_owned());
    kiosk
}

/// The hub's stamp on what was written.
fn stamped(twin: &mut Twin, minute: u8) {
    twin.properties.desired.metadata = json!({ "$lastUpdated": format!("2026-06-10T11:{minute:02}:00Z") });
}

/// The device echoes what it is asked.
fn obeys(twin: &mut Twin, minute: u8) {
    let mut said = twin.properties.desired.clone();
    said.metadata = json!({ "$lastUpdated": format!("2026-06-10T11:{minute:02}:00Z") });
    twin.properties.reported = said;
}

fn terms(approved: &[&str]) -> Terms {
    let approved: BTreeSet<_> = approved.iter().map(|wave| ("kiosks".to_owned(), (*wave).to_owned())).collect();
    Terms { now: NOW.parse::<Timestamp>().unwrap(), approved }
}

/// Plans all of them, and whoever goes back.
fn plan(planner: &Arc<Planner>, twins: &[Twin], approved: &[&str]) -> Plan {
    let texts: Vec<String> = twins.iter().map(|twin| serde_json::to_string(twin).unwrap()).collect();
    let mut collector = Collector::new(planner.clone()).with_rollouts(terms(approved));
    for text in &texts {
        collector.take(&TwinRow::parse(text).unwrap()).unwrap();
    }
    let mut plan = collector.finish().unwrap();
    let mut returning = Returning::new(planner.clone(), Arc::new(plan.rollouts.clone()));
    for text in &texts {
        returning.take(&TwinRow::parse(text).unwrap()).unwrap();
    }
    plan.take_back(returning.finish());
    plan
}

/// Carries a plan out, and stamps what was written.
fn carry_out(plan: &Plan, twins: &mut [Twin], minute: u8) {
    for group in &plan.groups {
        for planned in &group.devices {
            let twin = twins.iter_mut().find(|twin| twin.device_id == planned.device).unwrap();
            apply_patch(group.patch.get(), twin);
            stamped(twin, minute);
        }
    }
}

fn devices(groups: &[Group]) -> Vec<String> {
    groups.iter().flat_map(|group| &group.devices).map(|planned| planned.device.to_string()).collect()
}

fn phase(plan: &Plan) -> (Phase, &'static str) {
    let state = &plan.rollouts.states()[0];
    (state.phase, state.hold.as_ref().map_or("", |hold| hold.reason.word()))
}

/// A canary and another device that have come to rest at `r1`.
fn settled() -> Vec<Twin> {
    let mut twins = vec![kiosk("c1", "canary"), kiosk("k1", "wide")];
    let first = Arc::new(planner("r1", vec![("r1", saying("one"))]));
    carry_out(&plan(&first, &twins, &[]), &mut twins, 0);
    obeys(&mut twins[0], 1);
    carry_out(&plan(&first, &twins, &[]), &mut twins, 2);
    obeys(&mut twins[1], 3);
    assert_eq!(phase(&plan(&first, &twins, &[])), (Phase::Done, ""));
    twins
}

fn second(message: &str) -> Arc<Planner> {
    Arc::new(planner("r2", vec![("r1", saying("one")), ("r2", saying(message))]))
}

fn message(twin: &Twin) -> &Value {
    &twin.properties.desired.values["motd"]["text"]
}

fn marker(twin: &Twin) -> &Value {
    &twin.tags["twinops"]["test"]
}

#[test]
fn the_rest_follows_the_canary_and_keeps_what_it_could_go_back_to() {
    let (mut twins, planner) = (settled(), second("two"));
    let held = plan(&planner, &twins, &[]);
    assert_eq!((devices(&held.groups), devices(&held.held)), (vec!["c1".to_owned()], vec!["k1".to_owned()]));
    assert!(held.has_changes() && held.held() == 1);
    carry_out(&held, &mut twins, 10);
    assert_eq!(devices(&plan(&planner, &twins, &[]).groups), [""; 0], "the canary has not answered");
    obeys(&mut twins[0], 11);
    let open = plan(&planner, &twins, &[]);
    assert_eq!(devices(&open.groups), ["k1"]);
    carry_out(&open, &mut twins, 12);
    let sources = json!(["Profile/base"]);
    assert_eq!(marker(&twins[1]), &json!({ "revision": "r2", "sources": sources, "previous": "r1" }));
    // A repair within the same commit does not forget what was there before it.
    twins[1].properties.desired.values["motd"]["text"] = json!("hacked");
    carry_out(&plan(&planner, &twins, &[]), &mut twins, 13);
    assert_eq!(marker(&twins[1])["previous"], json!("r1"));
}

#[test]
fn a_device_is_planned_afresh_only_when_its_wave_is_open() {
    let (twins, planner) = (settled(), second("two"));
    let course = plan(&planner, &twins, &[]).rollouts;
    let look = |twin: &Twin, course: &Course| {
        let text = serde_json::to_string(twin).unwrap();
        planner.look_within(&TwinRow::parse(&text).unwrap(), course).unwrap().change.is_some()
    };
    assert!(look(&twins[0], &course) && !look(&twins[1], &course));
    assert!(look(&twins[1], &Course::default()), "where rollouts are not looked at, nothing is held");
}

/// The canary has got the second commit and does not obey.
fn refused() -> (Vec<Twin>, Arc<Planner>) {
    let (mut twins, planner) = (settled(), second("two"));
    carry_out(&plan(&planner, &twins, &[]), &mut twins, 10);
    // A device that says nothing is given up in time.
    let failing = changed(saying("two"), |rollout| rollout.gate.timeout = Some(std::time::Duration::from_mins(5)));
    (twins, Arc::new(self::planner("r2", vec![("r1", saying("one")), ("r2", failing)])))
}

#[test]
fn a_rollback_restores_what_was_wanted_before_once_and_a_commit_that_wants_another_thing_is_tried() {
    let (mut twins, planner) = refused();
    let back = plan(&planner, &twins, &[]);
    assert_eq!(phase(&back), (Phase::Rejected, "timeout"));
    assert_eq!((devices(&back.groups), devices(&back.held)), (vec!["c1".to_owned()], vec!["k1".to_owned()]));
    carry_out(&back, &mut twins, 20);
    assert_eq!(message(&twins[0]), &json!("one"));
    let sources = json!(["Profile/base"]);
    assert_eq!(marker(&twins[0]), &json!({ "revision": "r1", "sources": sources, "rejected": "r2" }));
    let after = plan(&planner, &twins, &[]);
    assert_eq!((phase(&after), devices(&after.groups)), ((Phase::Rejected, "rejected"), Vec::new()));

    // Whoever asks for it may try again.
    assert_eq!(devices(&plan(&planner, &twins, &["canary"]).groups), ["c1"]);

    // A commit that wants the same is no other commit.
    let revisions = |message: &str| {
        let all = vec![("r1", saying("one")), ("r2", saying("two")), ("r3", saying(message))];
        Arc::new(self::planner("r3", all))
    };
    assert_eq!(phase(&plan(&revisions("two"), &twins, &[])), (Phase::Rejected, "rejected"));
    let mended = plan(&revisions("three"), &twins, &[]);
    assert_eq!(devices(&mended.groups), ["c1"]);
    carry_out(&mended, &mut twins, 30);
    assert_eq!(marker(&twins[0]), &json!({ "revision": "r3", "sources": sources, "previous": "r1" }));
}

#[test]
fn a_device_that_had_nothing_before_stays_as_it_is() {
    let mut twins = vec![kiosk("c1", "canary")];
    let fleet = changed(saying("one"), |rollout| rollout.gate.timeout = Some(std::time::Duration::from_mins(5)));
    let planner = Arc::new(planner("r1", vec![("r1", fleet)]));
    carry_out(&plan(&planner, &twins, &[]), &mut twins, 0);
    let after = plan(&planner, &twins, &[]);
    assert_eq!((phase(&after), devices(&after.groups)), ((Phase::Paused, "timeout"), Vec::new()));
}

#[test]
fn an_approval_holds_for_what_the_commit_declares() {
    let mut twins = settled();
    let careful = |message: &str| changed(saying(message), |rollout| rollout.waves[1].approval = true);
    let approving = |mut fleet: Fleet, revision: &str| {
        let spec = ApprovalSpec {
            rollout: "kiosks".to_owned(),
            wave: "rest".to_owned(),
            revision: revision.to_owned(),
            by: "somebody".to_owned(),
            until: "2026-06-10".to_owned(),
        };
        fleet.approvals.push(Approval { document: DocumentRef { file: "a.yaml".into(), document: 0 }, spec });
        fleet
    };
    let at = |revision: &str, last: Fleet| {
        let all = vec![("r1", saying("one")), ("r2", careful("two")), ("r3", last)];
        Arc::new(self::planner(revision, all))
    };
    let waiting = at("r2", careful("two"));
    carry_out(&plan(&waiting, &twins, &[]), &mut twins, 10);
    obeys(&mut twins[0], 11);
    assert_eq!(phase(&plan(&waiting, &twins, &[])), (Phase::Rolling, "approval"));
    assert_eq!(devices(&plan(&waiting, &twins, &["rest"]).groups), ["k1"]);
    let approved = at("r3", approving(careful("two"), "r2"));
    assert_eq!(devices(&plan(&approved, &twins, &[]).groups), ["k1"]);
    let of_another = at("r3", approving(careful("two"), "r1"));
    assert_eq!(phase(&plan(&of_another, &twins, &[])), (Phase::Rolling, "approval"));
}

#[test]
fn windows_are_by_the_devices_own_clocks() {
    let mut twins = settled();
    twins[0].tags.insert("timeZone".to_owned(), json!("Asia/Tokyo"));
    let spec = WindowSpec {
        days: None,
        from: "20:00".to_owned(),
        to: "22:00".to_owned(),
        time_zone: Some("tags.timeZone".to_owned()),
    };
    let window = Window::new(&spec);
    let at_night = changed(saying("two"), |rollout| rollout.window = window);
    let planner = Arc::new(planner("r2", vec![("r1", saying("one")), ("r2", at_night)]));
    // Noon in UTC is nine in the evening in Tokyo.
    assert_eq!(devices(&plan(&planner, &twins, &[]).groups), ["c1"]);
    twins[0].tags.insert("timeZone".to_owned(), json!("Europe/Oslo"));
    let shut = plan(&planner, &twins, &[]);
    assert_eq!((devices(&shut.groups), devices(&shut.held)), (Vec::new(), vec!["c1".to_owned(), "k1".to_owned()]));
    assert_eq!(shut.rollouts.states()[0].waves[0].counts.outside_window, 1);
}

#[test]
fn a_commit_that_changes_nothing_for_the_rollouts_devices_starts_nothing_again() {
    let twins = settled();
    let mut beside = saying("one");
    beside.profiles.push(profile("till", Some("tags.role = 'till'"), 0, json!({ "drawer": { "open": true } })));
    let planner = Arc::new(planner("r2", vec![("r1", saying("one")), ("r2", beside)]));
    let nothing = plan(&planner, &twins, &[]);
    assert_eq!((phase(&nothing), nothing.is_empty(), nothing.held()), ((Phase::Done, ""), true, 0));
}
