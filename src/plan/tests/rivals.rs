//! Values that come back.

use super::*;

/// The next revision of the same fleet, with another value.
fn planners() -> (Planner, Planner) {
    let next = || fleet(vec![profile("base", None, 0, json!({ "net": { "mtu": 1400, "dns": "a" } }))]);
    let all = || vec![("r1", base_fleet()), ("r2", next())];
    (planner("r1", all()), planner("r2", all()))
}

fn edit(twin: &mut Twin, mtu: u32) {
    twin.properties.desired.values["net"]["mtu"] = json!(mtu);
}

fn contested(planner: &Planner, twin: &Twin) -> Vec<(String, Rival)> {
    look(planner, twin).contested.into_iter().map(|(path, rival)| (path.to_string(), rival)).collect()
}

/// A twin whose value has been put back until nobody writes it any more.
fn fought_over(planner: &Planner) -> Twin {
    let mut d1 = twin(json!({}), json!({}));
    apply(planner, &mut d1);
    for round in 0..rival::RETURNS {
        edit(&mut d1, 9000 + round);
        assert!(apply(planner, &mut d1).is_some(), "round {round}");
    }
    edit(&mut d1, 9000);
    d1
}

#[test]
fn a_value_that_comes_back_again_and_again_is_contested_and_left_alone() {
    let (r1, _) = planners();
    let d1 = fought_over(&r1);
    assert!(look(&r1, &d1).change.is_none());
    assert_eq!(contested(&r1, &d1), [("properties.desired.net.mtu".to_owned(), Rival::Unknown(2))]);
    let verdict = r1.verdict(&TwinRow::parse(&serde_json::to_string(&d1).unwrap()).unwrap()).unwrap().unwrap();
    assert_eq!(verdict.verdict, Verdict::Contested);
    let property = verdict.properties.iter().find(|property| property.verdict == Verdict::Contested).unwrap();
    assert_eq!(property.message.as_deref(), Some("was written 2 times, and is something else again"));
}

#[test]
fn a_commit_that_changes_the_value_begins_anew() {
    let (r1, r2) = planners();
    let mut d1 = fought_over(&r1);
    let patch = apply(&r2, &mut d1).unwrap();
    assert_eq!(patch["properties"]["desired"], json!({ "net": { "mtu": 1400 } }));
    let returned = d1.tags["twinops"]["test"]["returned"].as_object().unwrap();
    assert_eq!(returned.values().collect::<Vec<_>>(), [&json!(1)], "the old value is forgotten");
}

#[test]
fn a_commit_that_changes_something_else_does_not() {
    let (r1, _) = planners();
    let mut d1 = fought_over(&r1);
    let other = fleet(vec![profile("base", None, 0, json!({ "net": { "mtu": 1500, "dns": "b" } }))]);
    let r3 = planner("r3", vec![("r1", base_fleet()), ("r3", other)]);
    let patch = apply(&r3, &mut d1).unwrap();
    assert_eq!(patch["properties"]["desired"], json!({ "net": { "dns": "b" } }));
    assert_eq!(contested(&r3, &d1).len(), 1);
}

#[test]
fn two_values_that_come_back_in_turn_are_both_found() {
    let (r1, _) = planners();
    let mut d1 = twin(json!({}), json!({}));
    apply(&r1, &mut d1);
    for _ in 0..rival::RETURNS {
        edit(&mut d1, 9000);
        apply(&r1, &mut d1);
        d1.properties.desired.values["net"]["dns"] = json!("x");
        apply(&r1, &mut d1);
    }
    edit(&mut d1, 9000);
    d1.properties.desired.values["net"]["dns"] = json!("x");
    assert_eq!(contested(&r1, &d1).len(), 2);
}

#[test]
fn a_twin_that_nobody_touches_counts_nothing() {
    let (r1, r2) = planners();
    let mut d1 = twin(json!({}), json!({}));
    apply(&r1, &mut d1);
    edit(&mut d1, 9000);
    apply(&r1, &mut d1);
    assert_eq!(d1.tags["twinops"]["test"]["returned"].as_object().unwrap().len(), 1);
    apply(&r2, &mut d1);
    assert_eq!(d1.tags["twinops"]["test"]["returned"], json!({}));
}
