//! Guards on plans of twenty devices.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::{
    fleet::{ExemptionSpec, GuardSpec, Profile},
    plan::{
        Collector, Planner,
        tests::{fleet, planner, profile},
    },
    twin::TwinRow,
};

const DEVICES: usize = 20;

fn profiles(mtu: u32) -> Vec<Arc<Profile>> {
    vec![profile("base", None, 0, json!({ "net": { "mtu": mtu, "dns": "a" } }))]
}

fn exemption(guard: GuardName) -> ExemptionSpec {
    ExemptionSpec {
        guard,
        paths: Vec::new(),
        devices: Vec::new(),
        profiles: Vec::new(),
        owner: "net team".into(),
        reason: "new switches".into(),
        until: "2026-12-31".into(),
    }
}

fn marker(fleets: &[&str]) -> Value {
    let mut markers = json!({});
    for name in fleets {
        markers[*name] = json!({ "revision": "r1", "sources": ["Profile/base"] });
    }
    json!({ "twinops": markers })
}

/// Twins whose first `changed` are not as the fleet wants them; of the others, the rest.
fn twins(changed: usize, tags: Value, with: Value) -> Vec<String> {
    let twin = |index: usize| {
        let mut net = json!({ "mtu": if index < changed { 1 } else { 1500 }, "dns": "a" });
        with.as_object().unwrap().iter().for_each(|(key, value)| net[key] = value.clone());
        let properties = json!({ "desired": { "net": net } });
        json!({ "deviceId": format!("d{index:02}"), "etag": "e", "tags": tags, "properties": properties }).to_string()
    };
    (0..DEVICES).map(twin).collect()
}

fn plan(planner: Planner, twins: &[String]) -> (Arc<Planner>, Plan) {
    let planner = Arc::new(planner);
    let mut collector = Collector::new(Arc::clone(&planner));
    for twin in twins {
        collector.take(&TwinRow::parse(twin).unwrap()).unwrap();
    }
    collector.take_unregistered(&|_| true).unwrap();
    (planner, collector.finish().unwrap())
}

fn guarded(spec: GuardSpec) -> Fleet {
    let mut fleet = fleet(profiles(1500));
    fleet.spec.guard = Some(spec);
    fleet
}

fn terms() -> Terms<'static> {
    Terms { today: jiff::civil::date(2026, 1, 1), allowed: &[], actor: "alice", whole: true }
}

/// `guard: message` of what is refused.
fn refusals(judgement: &Judgement) -> Vec<String> {
    let refused = judgement.rulings.iter().filter(|ruling| ruling.leave.is_none());
    refused.map(|ruling| format!("{}: {}", ruling.guard, ruling.message)).collect()
}

/// What the guards of a fleet say when five of its twenty devices change.
fn judged(spec: GuardSpec, terms: Terms<'_>) -> Judgement {
    let (planner, plan) = plan(planner("r1", vec![("r1", guarded(spec))]), &twins(5, marker(&["test"]), json!({})));
    judge(planner.fleet(), &plan, terms)
}

fn most_changed(share: &str) -> GuardSpec {
    GuardSpec { max_changed: Some(share.to_owned()), ..GuardSpec::default() }
}

#[test]
fn a_share_counts_managed_devices_and_refuses_by_name() {
    let passed = judged(most_changed("25%"), terms());
    assert_eq!(refusals(&passed), [""; 0]);
    assert_eq!(passed.margins, [Margin { guard: GuardName::MaxChanged, devices: 5, most: 5 }]);
    let refused = judged(most_changed("24%"), terms());
    let said = "maxChanged: values change on 5 of 20 managed devices; at most 24% are allowed";
    assert_eq!(refusals(&refused), [said]);
    assert_eq!(refused.margins, [], "what is broken speaks for itself");
    assert_eq!((refused.rulings[0].devices, refused.rulings[0].samples[0].as_str()), (5, "d00"));
}

#[test]
fn what_prunes_is_counted_apart() {
    let before = fleet(profiles(1500));
    let after = Fleet {
        spec: guarded(GuardSpec { max_pruned: Some("99%".into()), ..most_changed("100%") }).spec,
        ..fleet(vec![profile("base", None, 0, json!({ "net": { "mtu": 1500 } }))])
    };
    let two = planner("r2", vec![("r1", before), ("r2", after)]);
    let (planner, plan) = plan(two, &twins(0, marker(&["test"]), json!({})));
    let said = "maxPruned: values are pruned on 20 of 20 managed devices; at most 99% are allowed";
    assert_eq!(refusals(&judge(planner.fleet(), &plan, terms())), [said]);
}

#[test]
fn taking_devices_over_has_a_number_of_its_own() {
    let spec = GuardSpec { max_adopted: Some(19), ..most_changed("0%") };
    let (planner, plan) = plan(planner("r1", vec![("r1", guarded(spec))]), &twins(5, json!({}), json!({})));
    let said = "maxAdopted: 20 devices are taken over for the first time; at most 19 are allowed";
    assert_eq!(refusals(&judge(planner.fleet(), &plan, terms())), [said]);
}

#[test]
fn whoever_runs_the_command_may_let_a_guard_pass_and_is_named() {
    let allowed = judged(most_changed("1%"), Terms { allowed: &[GuardName::MaxChanged], ..terms() });
    assert_eq!(allowed.rulings[0].leave, Some(Leave::Allowed { by: "alice".into() }));
    let other = judged(most_changed("1%"), Terms { allowed: &[GuardName::MaxPruned], ..terms() });
    assert_eq!(refusals(&other).len(), 1);
}

#[test]
fn an_exemption_lets_pass_what_it_names_until_its_day() {
    let with = |exemption: ExemptionSpec| GuardSpec { exemptions: vec![exemption], ..most_changed("5%") };
    let of_all = with(exemption(GuardName::MaxChanged));
    let passed = judged(of_all.clone(), terms());
    let grant = Grant { owner: "net team".into(), reason: "new switches".into(), until: "2026-12-31".into() };
    assert_eq!(passed.rulings[0].leave, Some(Leave::Exempt(vec![grant])));
    let late = Terms { today: jiff::civil::date(2027, 1, 1), ..terms() };
    assert_eq!(refusals(&judged(of_all, late)).len(), 1);

    let path = |path: &str| with(ExemptionSpec { paths: vec![path.into()], ..exemption(GuardName::MaxChanged) });
    assert_eq!(refusals(&judged(path("properties.desired.net"), terms())), Vec::<String>::new());
    assert_eq!(refusals(&judged(path("properties.desired.net.dns"), terms())).len(), 1);

    let named: Vec<String> = (0..3).map(|index| format!("d{index:02}")).collect();
    let few = with(ExemptionSpec { devices: named, ..exemption(GuardName::MaxChanged) });
    let said = "maxChanged: values change on 2 of 20 managed devices; at most 5% are allowed";
    assert_eq!(refusals(&judged(few, terms())), [said]);
}

#[test]
fn an_exemption_that_a_plan_does_not_need_is_noted() {
    let spec = GuardSpec { exemptions: vec![exemption(GuardName::MaxChanged)], ..most_changed("50%") };
    let judgement = judged(spec, terms());
    assert_eq!(judgement.notices.iter().map(|notice| notice.id).collect::<Vec<_>>(), ["unused-exemption"]);
    assert_eq!(judgement.rulings, []);
}

fn protecting(path: &str) -> GuardSpec {
    GuardSpec { protect: vec![path.to_owned()], ..GuardSpec::default() }
}

#[test]
fn each_protected_path_that_would_change_is_named() {
    for (path, is_hit) in [("properties.desired.net.mtu", true), ("properties.desired", true), ("tags.site", false)] {
        assert_eq!(refusals(&judged(protecting(path), terms())).len(), usize::from(is_hit), "{path}");
    }
    let exempt = GuardSpec {
        exemptions: vec![ExemptionSpec {
            paths: vec!["properties.desired.net.mtu".into()],
            ..exemption(GuardName::Protect)
        }],
        ..protecting("properties.desired.net")
    };
    assert_eq!(refusals(&judged(exempt, terms())), Vec::<String>::new());
}

#[test]
fn a_where_that_selects_nothing_refuses_what_all_devices_were_looked_at_for() {
    let mut fleet = fleet(profiles(1500));
    fleet.profiles.push(profile("kiosk", Some("tags.role = 'kiosk'"), 1, json!({ "kiosk": { "on": true } })));
    let all = || twins(5, marker(&["test"]), json!({}));
    let judged = |fleet: &Fleet, terms| {
        let (planner, plan) = plan(planner("r1", vec![("r1", fleet.clone())]), &all());
        refusals(&judge(planner.fleet(), &plan, terms))
    };
    assert_eq!(judged(&fleet, terms()), ["selectsNothing: the `where` of the profile `kiosk` selects no device"]);
    assert_eq!(judged(&fleet, Terms { whole: false, ..terms() }), Vec::<String>::new());
    let for_later = ExemptionSpec { profiles: vec!["kiosk".into()], ..exemption(GuardName::SelectsNothing) };
    fleet.spec.guard = Some(GuardSpec { exemptions: vec![for_later], ..GuardSpec::default() });
    assert_eq!(judged(&fleet, terms()), Vec::<String>::new());
}

#[test]
fn a_repository_that_declares_nothing_any_more_takes_nothing_away() {
    let two = planner("r2", vec![("r1", fleet(profiles(1500))), ("r2", fleet(Vec::new()))]);
    let (planner, plan) = plan(two, &twins(0, marker(&["test"]), json!({})));
    let said = "emptyFleet: the repository declares no profile and no device, and 20 devices carry its marker";
    assert_eq!(refusals(&judge(planner.fleet(), &plan, terms())), [said]);
}

#[test]
fn a_value_of_another_fleet_is_not_replaced_and_one_of_our_own_is() {
    let judged = |tags: Value, share: &str| {
        let (planner, plan) =
            plan(planner("r1", vec![("r1", guarded(most_changed(share)))]), &twins(5, tags, json!({})));
        refusals(&judge(planner.fleet(), &plan, terms()))
    };
    let theirs = judged(marker(&["other"]), "100%");
    let said = "otherFleet: `properties.desired.net.mtu` would be set on 5 devices that carry the marker of the fleet \
                `other` and hold a value there that this fleet never declared";
    assert_eq!(theirs, [said]);
    assert_eq!(judged(marker(&["other", "test"]), "100%"), Vec::<String>::new());
    assert_eq!(judged(json!({}), "100%"), Vec::<String>::new());
}

#[test]
fn what_a_guard_forbids_holds_for_a_device_that_is_planned_afresh_too() {
    let forbidden_in = |spec: GuardSpec, tags: Value, allowed: &[GuardName]| {
        let planner = planner("r1", vec![("r1", guarded(spec))]);
        let text = twins(1, tags, json!({})).swap_remove(0);
        let row = TwinRow::parse(&text).unwrap();
        let change = planner.look(&row).unwrap().change.unwrap();
        forbidden(planner.fleet(), &row.id().unwrap(), &change, terms().today, allowed).map(|(guard, _)| guard)
    };
    let net = || protecting("properties.desired.net");
    assert_eq!(forbidden_in(net(), marker(&["test"]), &[]), Some(GuardName::Protect));
    assert_eq!(forbidden_in(net(), marker(&["test"]), &[GuardName::Protect]), None);
    let exempt = GuardSpec { exemptions: vec![exemption(GuardName::Protect)], ..net() };
    assert_eq!(forbidden_in(exempt, marker(&["test"]), &[]), None);
    assert_eq!(forbidden_in(GuardSpec::default(), marker(&["other"]), &[]), Some(GuardName::OtherFleet));
}
