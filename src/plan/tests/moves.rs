//! Who enters a selector and who leaves it, and where a value stood that goes.

use super::*;
use crate::fleet::Place;

fn revision(condition: &str, tills: bool) -> Fleet {
    let kiosk = profile("kiosk", Some(condition), 0, json!({ "screen": { "bright": 80 } }));
    let till = profile("till", Some("tags.role = 'till'"), 0, json!({ "drawer": { "pin": 7 } }));
    fleet(if tills { vec![kiosk, till] } else { vec![kiosk] })
}

fn plan(planner: Planner, twins: &[Twin]) -> Plan {
    let mut all = Collector::new(Arc::new(planner));
    for twin in twins {
        let text = serde_json::to_string(twin).unwrap();
        all.take(&TwinRow::parse(&text).unwrap()).unwrap();
    }
    all.finish().unwrap()
}

#[test]
fn devices_that_change_hands_are_named_with_the_line_that_does_it() {
    let before = || revision("tags.role = 'kiosk'", true);
    let mut till = twin(json!({ "role": "till" }), json!({}));
    apply(&planner("r1", vec![("r1", before())]), &mut till);
    let after = revision("tags.role IN ['kiosk', 'till']", false);
    let plan = plan(planner("r2", vec![("r1", before()), ("r2", after)]), &[till]);
    let told: Vec<_> = plan.moves.iter().map(|m| (&*m.profile, m.enters, m.devices, m.samples.len())).collect();
    assert_eq!(told, [("kiosk", true, 1, 1), ("till", false, 1, 1)]);
    assert_eq!(plan.moves[0].place, Some(Place::value(&"kiosk.yaml".into(), 0, "/spec/where")));
    assert_eq!(plan.moves[1].place, None, "it is no longer declared");
}

#[test]
fn a_device_that_was_never_ours_enters_nothing() {
    let fresh = twin(json!({ "role": "till" }), json!({}));
    let plan = plan(planner("r1", vec![("r1", revision("tags.role = 'kiosk'", true))]), &[fresh]);
    assert_eq!((plan.devices(GroupKind::Change), plan.moves.len()), (1, 0));
}

#[test]
fn a_prune_names_the_line_of_the_revision_that_wanted_it() {
    let before = || revision("tags.role = 'kiosk'", true);
    let mut till = twin(json!({ "role": "till" }), json!({}));
    apply(&planner("r1", vec![("r1", before())]), &mut till);
    let after = revision("tags.role = 'kiosk'", false);
    let plan = plan(planner("r2", vec![("r1", before()), ("r2", after)]), &[till]);
    let delta = plan.groups[0].deltas.iter().find(|delta| delta.why == Why::Prune).unwrap();
    assert_eq!(delta.origin, Some(Place::value(&"till.yaml".into(), 0, "/spec/desired/drawer")));
    assert_eq!(delta.at.as_deref(), Some("r1"));
}
