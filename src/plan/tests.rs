//! The planner on whole twins: a fleet, a hub derived from it, a change, and what is planned.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Value, json};

use super::*;
use crate::{
    component::Registry,
    fleet::{
        Device, DocumentRef, Fleet, IdentityKind, IdentitySpec, IgnoreSpec, Profile,
        resolve::{Resolver, Secrets},
    },
    query::Condition,
    twin::{DeviceId, Map, Twin, TwinRow, merge},
};

mod groups;
mod moves;
mod rivals;
mod rollouts;
mod verdicts;
mod whole;

pub(super) fn map(value: Value) -> Map {
    let Value::Object(map) = value else { panic!("an object") };
    map
}

/// Revisions of a small fleet, by name.
#[derive(Clone, Default)]
struct Revisions(HashMap<String, Arc<Resolver>>);

impl Bases for Revisions {
    fn base(&self, revision: &str) -> Option<Arc<Resolver>> {
        self.0.get(revision).cloned()
    }
}

pub(crate) fn profile(name: &str, condition: Option<&str>, priority: i64, desired: Value) -> Arc<Profile> {
    Arc::new(Profile {
        name: name.into(),
        document: DocumentRef { file: format!("{name}.yaml").into(), document: 0 },
        condition: condition.map(|text| Condition::parse(text).unwrap()),
        priority,
        desired: map(desired),
    })
}

pub(crate) fn fleet(profiles: Vec<Arc<Profile>>) -> Fleet {
    Fleet { name: "test".to_owned(), profiles, ..Fleet::default() }
}

fn secrets() -> Secrets {
    Secrets::new(|name| (name == "PSK").then(|| "hunter2".to_owned()))
}

fn resolver(fleet: Fleet) -> Arc<Resolver> {
    Arc::new(Resolver::new(Arc::new(fleet), Arc::new(Registry::builtin()), secrets()))
}

/// A planner towards `revision` of these revisions.
pub(crate) fn planner(revision: &str, revisions: Vec<(&str, Fleet)>) -> Planner {
    let all: HashMap<_, _> = revisions.into_iter().map(|(name, fleet)| (name.to_owned(), resolver(fleet))).collect();
    let current = all[revision].clone();
    Planner::new(current, revision, Box::new(Revisions(all)), jiff::civil::date(2026, 1, 1))
}

pub(super) fn twin(tags: Value, desired: Value) -> Twin {
    let wire = json!({ "deviceId": "d1", "etag": "e1", "tags": tags, "properties": { "desired": desired } });
    serde_json::from_value(wire).unwrap()
}

pub(super) fn look(planner: &Planner, twin: &Twin) -> Look {
    planner.look(&TwinRow::parse(&serde_json::to_string(twin).unwrap()).unwrap()).unwrap()
}

/// Looks, applies what is planned, and says what the patch was.
pub(super) fn apply(planner: &Planner, twin: &mut Twin) -> Option<Value> {
    let patch = apply_patch(look(planner, twin).change?.patch(), twin);
    assert!(look(planner, twin).change.is_none(), "after applying a plan the next is empty");
    Some(patch)
}

fn apply_patch(patch: &str, twin: &mut Twin) -> Value {
    let patch: Value = serde_json::from_str(patch).unwrap();
    if let Some(tags) = patch.get("tags") {
        merge(&mut twin.tags, tags.as_object().unwrap());
    }
    if let Some(desired) = patch.pointer("/properties/desired") {
        merge(&mut twin.properties.desired.values, desired.as_object().unwrap());
    }
    patch
}

fn base_fleet() -> Fleet {
    fleet(vec![profile("base", None, 0, json!({ "net": { "mtu": 1500, "dns": "a" } }))])
}

#[test]
fn the_first_plan_sets_and_signs_and_never_prunes() {
    let mut d1 = twin(json!({ "site": "oslo" }), json!({ "net": { "old": 1, "mtu": 9000 } }));
    let patch = apply(&planner("r1", vec![("r1", base_fleet())]), &mut d1).unwrap();
    let marker = json!({ "test": { "revision": "r1", "sources": ["Profile/base"] } });
    let desired = json!({ "net": { "mtu": 1500, "dns": "a" } });
    assert_eq!(patch, json!({ "tags": { "twinops": marker }, "properties": { "desired": desired } }));
    assert_eq!(d1.properties.desired.values["net"]["old"], json!(1), "a foreign value stays");
}

#[test]
fn a_property_that_left_the_repository_is_pruned_and_a_foreign_one_beside_it_stays() {
    let mut d1 = twin(json!({}), json!({ "net": { "foreign": 1 } }));
    apply(&planner("r1", vec![("r1", base_fleet())]), &mut d1);
    let next = fleet(vec![profile("base", None, 0, json!({ "net": { "mtu": 1500 } }))]);
    let planner = planner("r2", vec![("r1", base_fleet()), ("r2", next)]);
    let patch = apply(&planner, &mut d1).unwrap();
    assert_eq!(patch["properties"]["desired"], json!({ "net": { "dns": null } }));
    assert_eq!(Value::Object(d1.properties.desired.values), json!({ "net": { "foreign": 1, "mtu": 1500 } }));
}

#[test]
fn a_commit_that_changes_nothing_for_a_device_costs_it_no_write() {
    let mut d1 = twin(json!({}), json!({}));
    apply(&planner("r1", vec![("r1", base_fleet())]), &mut d1);
    let planner = planner("r2", vec![("r1", base_fleet()), ("r2", base_fleet())]);
    assert_eq!(apply(&planner, &mut d1), None);
}

#[test]
fn a_twin_that_is_already_right_is_adopted_by_a_marker_alone() {
    let mut d1 = twin(json!({}), json!({ "net": { "mtu": 1500, "dns": "a" } }));
    let planner = planner("r1", vec![("r1", base_fleet())]);
    assert!(!look(&planner, &d1).change.unwrap().has_changes());
    assert_eq!(apply(&planner, &mut d1).unwrap().get("properties"), None);
}

#[test]
fn without_its_base_nothing_is_pruned_and_the_old_marker_stays() {
    let mut d1 = twin(json!({}), json!({}));
    apply(&planner("r1", vec![("r1", base_fleet())]), &mut d1);
    let next = fleet(vec![profile("base", None, 0, json!({ "net": { "mtu": 1400 } }))]);
    let planner = planner("r2", vec![("r2", next)]);
    assert_eq!(look(&planner, &d1).base_lost.as_deref(), Some("r1"));
    let patch = apply(&planner, &mut d1).unwrap();
    assert_eq!(patch, json!({ "properties": { "desired": { "net": { "mtu": 1400 } } } }));
    assert_eq!(d1.properties.desired.values["net"]["dns"], json!("a"));
}

#[test]
fn a_device_that_leaves_every_selector_is_cleaned_and_let_go() {
    let kiosks = || fleet(vec![profile("kiosk", Some("tags.role = 'kiosk'"), 0, json!({ "net": { "mtu": 1500 } }))]);
    let mut d1 = twin(json!({ "role": "kiosk" }), json!({ "other": 1 }));
    apply(&planner("r1", vec![("r1", kiosks())]), &mut d1);
    d1.tags["role"] = json!("till");
    let planner = planner("r1", vec![("r1", kiosks())]);
    apply(&planner, &mut d1).unwrap();
    assert_eq!(Value::Object(d1.properties.desired.values.clone()), json!({ "other": 1 }));
    assert_eq!(Value::Object(d1.tags.clone()), json!({ "role": "till" }));
    assert!(!look(&planner, &d1).selected);
}

#[test]
fn a_device_whose_document_goes_is_let_go_in_one_run() {
    let kiosks = || vec![profile("kiosk", Some("tags.role = 'kiosk'"), 0, json!({ "net": { "mtu": 1500 } }))];
    let mut declaring = fleet(kiosks());
    let document = DocumentRef { file: "devices.yaml".into(), document: 0 };
    let device = Device::new(document, None, &map(json!({ "role": "kiosk" })), &Map::new());
    declaring.devices.insert(DeviceId::new("d1").unwrap(), Arc::new(device));
    let mut d1 = twin(json!({ "owner": "x" }), json!({}));
    apply(&planner("r1", vec![("r1", declaring.clone())]), &mut d1);
    assert_eq!(d1.properties.desired.values["net"]["mtu"], json!(1500));
    // Its role goes with the document, and with the role the profile: `apply` holds that nothing is left to do.
    apply(&planner("r2", vec![("r1", declaring), ("r2", fleet(kiosks()))]), &mut d1).unwrap();
    assert_eq!(Value::Object(d1.properties.desired.values), json!({}));
    assert_eq!(Value::Object(d1.tags), json!({ "owner": "x" }));
}

#[test]
fn an_edit_in_the_hub_is_told_from_a_change_in_git() {
    let mut d1 = twin(json!({}), json!({}));
    let planner = planner("r1", vec![("r1", base_fleet())]);
    apply(&planner, &mut d1);
    d1.properties.desired.values["net"]["mtu"] = json!(9000);
    let verdict = planner.verdict(&TwinRow::parse(&serde_json::to_string(&d1).unwrap()).unwrap()).unwrap().unwrap();
    assert_eq!(verdict.verdict, Verdict::Edited);
    let edited: Vec<_> = verdict.properties.iter().filter(|p| p.verdict == Verdict::Edited).collect();
    assert_eq!(edited.len(), 1);
    assert_eq!(edited[0].path.to_string(), "properties.desired.net.mtu");
    assert_eq!((&edited[0].wanted, &edited[0].live), (&Some(json!(1500)), &Some(json!(9000))));
    assert_eq!(edited[0].origin.as_ref().unwrap().file.as_ref(), "base.yaml");
}

#[test]
fn a_device_with_our_agent_is_told_the_revision_once() {
    let mut d1 = twin(json!({}), json!({}));
    d1.properties.reported.values = map(json!({ "twinops": { "__t": "c", "agentVersion": "0.1.0" } }));
    let planner = planner("r1", vec![("r1", base_fleet())]);
    apply(&planner, &mut d1);
    assert_eq!(d1.properties.desired.values["twinops"], json!({ "__t": "c", "revision": "r1" }));
}

#[test]
fn a_path_that_a_configuration_writes_is_left_to_it() {
    let mut d1 = twin(json!({}), json!({}));
    let planner = planner("r1", vec![("r1", base_fleet())]);
    apply(&planner, &mut d1);
    d1.properties.desired.values["net"]["mtu"] = json!(9000);
    d1.properties.desired.metadata = json!({ "net": { "mtu": { "$lastUpdatedBy": "adm-1" } } });
    let mut wire = serde_json::to_value(&d1).unwrap();
    wire["configurations"] = json!({ "adm-1": { "status": "Applied" } });
    let text = wire.to_string();
    let look = planner.look(&TwinRow::parse(&text).unwrap()).unwrap();
    assert!(look.change.is_none());
    assert_eq!(look.contested.len(), 1);
    assert_eq!(look.contested[0].1, Rival::Configuration("adm-1".to_owned()));
    assert!(self::look(&planner, &d1).contested.is_empty(), "what a configuration leaves behind is nobody's");
}

#[test]
fn an_ignored_path_is_neither_planned_nor_reported_until_its_entry_ends() {
    let with_ignore = |until: &str| {
        let mut fleet = base_fleet();
        let (owner, reason) = ("network team".to_owned(), "by hand for now".to_owned());
        let path = "properties.desired.net.mtu".to_owned();
        fleet.spec.ignore = vec![IgnoreSpec { path, owner, reason, until: until.to_owned() }];
        planner("r1", vec![("r1", fleet)])
    };
    let mut d1 = twin(json!({}), json!({}));
    apply(&planner("r1", vec![("r1", base_fleet())]), &mut d1);
    d1.properties.desired.values["net"]["mtu"] = json!(9000);
    assert!(look(&with_ignore("2026-12-31"), &d1).change.is_none());
    let row = serde_json::to_string(&d1).unwrap();
    let verdict = with_ignore("2026-12-31").verdict(&TwinRow::parse(&row).unwrap()).unwrap().unwrap();
    assert_eq!(verdict.ignored.iter().map(ToString::to_string).collect::<Vec<_>>(), ["properties.desired.net.mtu"]);
    assert!(look(&with_ignore("2025-12-31"), &d1).change.is_some());
}

#[test]
fn identical_changes_fold_and_a_declared_device_is_registered_if_it_asks_to_be() {
    let mut fleet = base_fleet();
    let device = |identity| {
        let document = DocumentRef { file: "devices.yaml".into(), document: 0 };
        Arc::new(Device::new(document, identity, &Map::new(), &Map::new()))
    };
    let sas = IdentitySpec { kind: IdentityKind::Sas, primary_thumbprint: None, secondary_thumbprint: None };
    fleet.devices.insert(DeviceId::new("new").unwrap(), device(Some(sas)));
    fleet.devices.insert(DeviceId::new("unknown").unwrap(), device(None));
    let planner = Arc::new(planner("r1", vec![("r1", fleet)]));
    let mut collector = Collector::new(planner);
    for id in ["b", "a", "c"] {
        let text = json!({ "deviceId": id, "etag": "e" }).to_string();
        collector.take(&TwinRow::parse(&text).unwrap()).unwrap();
    }
    collector.take_unregistered(&|_| true).unwrap();
    let plan = collector.finish().unwrap();
    let devices: Vec<Vec<&str>> =
        plan.groups.iter().map(|g| g.devices.iter().map(|d| d.device.as_str()).collect()).collect();
    assert_eq!(devices, [vec!["a", "b", "c"], vec!["new"]]);
    assert!(plan.groups[1].devices[0].register.is_some());
    assert_eq!(plan.notices.len(), 1);
    assert_eq!((plan.notices[0].id, plan.notices[0].devices), ("not-registered", 1));
}

/// A fleet with a secret, and one commit later without it.
fn with_a_secret_that_goes() -> (Fleet, Fleet) {
    let desired = json!({ "files": { "key": { "path": "/etc/key", "content": "${secret.PSK}" } } });
    let after = json!({ "files": { "key": { "path": "/etc/key" } } });
    (fleet(vec![profile("base", None, 0, desired)]), fleet(vec![profile("base", None, 0, after)]))
}

#[test]
fn a_secret_that_is_pruned_is_still_a_secret() {
    let (before, after) = with_a_secret_that_goes();
    let mut d1 = twin(json!({}), json!({}));
    apply(&planner("r1", vec![("r1", with_a_secret_that_goes().0)]), &mut d1);
    let planner = Arc::new(planner("r2", vec![("r1", before), ("r2", after)]));
    let text = serde_json::to_string(&d1).unwrap();
    let row = TwinRow::parse(&text).unwrap();
    let verdict = planner.verdict(&row).unwrap().unwrap();
    assert!(verdict.properties.iter().any(|p| p.path.keys.last().is_some_and(|key| &**key == "content") && p.secret));
    let mut collector = Collector::new(planner);
    collector.take(&row).unwrap();
    let plan = collector.finish().unwrap();
    let [delta] = &*plan.groups[0].deltas else { panic!("one change") };
    assert_eq!((delta.path.to_string().as_str(), &delta.why), ("properties.desired.files.key.content", &Why::Prune));
    assert!(delta.secret);
}

#[test]
fn what_a_device_says_of_a_secret_does_not_quote_it() {
    let (fleet, _) = with_a_secret_that_goes();
    let planner = planner("r1", vec![("r1", fleet)]);
    let mut d1 = twin(json!({}), json!({}));
    apply(&planner, &mut d1);
    let mut answer = map(json!({ "files": { "__t": "c" } }));
    answer["files"]["key"] = json!({ "value": "hunter2", "ac": 400, "av": 1, "ad": "`hunter2` is too short" });
    d1.properties.reported.values = answer;
    let text = serde_json::to_string(&d1).unwrap();
    let verdict = planner.verdict(&TwinRow::parse(&text).unwrap()).unwrap().unwrap();
    let messages: Vec<_> = verdict.properties.iter().filter_map(|p| p.message.as_deref()).collect();
    assert_eq!(messages, ["`(secret)` is too short"]);
}

#[test]
fn a_device_that_loses_the_tag_which_filled_its_values_in_is_cleaned_all_the_same() {
    let desired = json!({ "sign": { "text": "${tags.site}", "size": 3, "key": "${secret.PSK}-${tags.site}" } });
    let signs = || fleet(vec![profile("sign", Some("IS_DEFINED(tags.site)"), 0, desired.clone())]);
    let mut d1 = twin(json!({ "site": "oslo" }), json!({ "other": 1 }));
    let planner = planner("r1", vec![("r1", signs())]);
    apply(&planner, &mut d1);
    d1.tags.remove("site");
    let text = serde_json::to_string(&d1).unwrap();
    let verdict = planner.verdict(&TwinRow::parse(&text).unwrap()).unwrap().unwrap();
    assert!(verdict.properties.iter().all(|property| property.secret), "{verdict:?}");
    apply(&planner, &mut d1).unwrap();
    assert_eq!(Value::Object(d1.properties.desired.values.clone()), json!({ "other": 1 }));
    assert!(d1.tags.is_empty(), "the marker goes too");
}
