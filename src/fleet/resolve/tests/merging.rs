//! Strength, nulls and contradictions.

use super::*;

fn two(a: Value, b: Value) -> Bench {
    Bench::new().profile("a", 5, "", a).profile("b", 5, "", b)
}

#[test]
fn the_higher_priority_wins_each_path() {
    let bench = Bench::new().profile("strong", 10, "", json!({"x": {"a": 1}})).profile(
        "weak",
        1,
        "",
        json!({"x": {"a": 2, "b": 2}}),
    );
    assert_eq!(bench.desired("d", nothing()), json!({"x": {"a": 1, "b": 2}}));
}

#[test]
fn null_and_value_replace_each_other() {
    let bench = |weak: Value, strong: Value| {
        Bench::new().profile("w", 0, "", weak).profile("s", 1, "", strong).desired("d", nothing())
    };
    assert_eq!(bench(json!({"x": {"a": 1}}), json!({"x": null})), json!({"x": null}));
    assert_eq!(bench(json!({"x": null}), json!({"x": {"a": 1}})), json!({"x": {"a": 1}}));
    assert_eq!(bench(json!({"x": [1, 2]}), json!({"x": [3]})), json!({"x": [3]}));
    assert_eq!(bench(json!({"x": {"a": 1}}), json!({"x": {}})), json!({"x": {"a": 1}}));
}

#[test]
fn equals_that_disagree_are_a_finding_with_both_places() {
    let unresolved = two(json!({"x": {"a": 1}}), json!({"x": {"a": 2}})).wanted("d", nothing()).unwrap_err();
    let [finding] = &*unresolved.findings else { panic!("{unresolved:?}") };
    assert_eq!(short(finding), "equal-priority-conflict@a.yaml#/spec/desired/x/a");
    assert_eq!(&*finding.related[0].0.file, "b.yaml");
}

#[test]
fn equals_that_agree_are_none() {
    assert_eq!(two(json!({"x": 1, "y": 1}), json!({"x": 1.0, "z": 1})).desired("d", nothing())["x"], json!(1));
}

#[test]
fn equals_contradict_each_other_by_null_and_by_shape_as_well() {
    for other in [json!(null), json!({"a": 1}), json!([1]), json!({})] {
        assert_eq!(two(json!({"x": 1}), json!({"x": other.clone()})).faults("d", nothing()).len(), 1, "{other}");
        assert_eq!(two(json!({"x": other.clone()}), json!({"x": 1})).faults("d", nothing()).len(), 1, "{other}");
    }
}

#[test]
fn something_stronger_settles_a_contradiction() {
    let bench = two(json!({"x": 1}), json!({"x": 2})).device("d", nothing(), json!({"x": 3}));
    assert_eq!(bench.desired("d", nothing()), json!({"x": 3}));
    assert_eq!(bench.faults("other", nothing()).len(), 1);
}

#[test]
fn more_members_do_not_settle_whether_it_is_an_object() {
    let bench = two(json!({"x": 1}), json!({"x": {"a": 1}})).profile("c", 9, "", json!({"x": {"b": 1}}));
    assert_eq!(bench.faults("d", nothing()).len(), 1);
    assert_eq!(bench.profile("d", 10, "", json!({"x": 1})).desired("d", nothing()), json!({"x": 1}));
}

#[test]
fn profiles_that_no_device_has_both_of_do_not_contradict_each_other() {
    let bench =
        Bench::new().profile("a", 5, "tags.r = 'a'", json!({"x": 1})).profile("b", 5, "tags.r = 'b'", json!({"x": 2}));
    assert_eq!(bench.desired("d", json!({"r": "b"})), json!({"x": 2}));
}

#[test]
fn the_merged_component_is_held_to_its_schema() {
    let service = |part: Value| json!({"windows": {"timeService": part}});
    let bench = Bench::new().profile("a", 1, "", service(json!({"enabled": "yes", "startup": "auto"}))).profile(
        "b",
        2,
        "tags.full = true",
        service(json!({"started": "yes"})),
    );
    assert!(bench.wanted("d", json!({"full": true})).is_ok());
    assert_eq!(bench.faults("d", nothing()), ["invalid-merged-component@a.yaml#/spec/desired/windows/timeService"]);
}

#[test]
fn the_merged_result_is_held_to_the_limits_of_the_hub() {
    let bench = Bench::new().profile("a", 1, "", json!({"a b": 1})).profile(
        "b",
        2,
        "",
        json!({"n": 9_007_199_254_740_993_i64}),
    );
    assert_eq!(
        bench.faults("d", nothing()),
        ["hub-limit@a.yaml#/spec/desired/a b", "hub-limit@b.yaml#/spec/desired/n"]
    );
}

#[test]
fn tags_leave_room_for_the_marker() {
    let tags = |bytes: usize| json!({"a": "x".repeat(4000), "b": "x".repeat(bytes)});
    assert!(Bench::new().device("d", tags(3800), nothing()).wanted("d", nothing()).is_ok());
    let full = Bench::new().device("d", tags(4096), nothing());
    assert_eq!(full.faults("d", nothing()), ["hub-limit@d.yaml#/spec/tags"]);
}
