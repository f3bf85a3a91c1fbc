//! The promise under twins of any shape.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{import, imported, options, planned, twin};
use crate::{
    fleet::resolve::Secrets,
    import::Options,
    twin::{PropertyPath, sample::section},
};

/// Tags of few values, some of them such that no condition can name them.
fn tags() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        "[ab]".prop_map(Value::from),
        (0_i64..2).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(json!("it's")),
        Just(json!(1.5))
    ];
    let deep = prop::collection::btree_map("[xy]|f-w", value.clone(), 0..2)
        .prop_map(|m| Value::Object(m.into_iter().collect()));
    prop::collection::btree_map("role|site|at", prop_oneof![4 => value, 1 => deep], 0..3)
        .prop_map(|m| Value::Object(m.into_iter().collect()))
}

/// Devices that take their desired properties from a few sections, now and then with a change of their own.
fn twins() -> impl Strategy<Value = Vec<String>> {
    let device = (0_usize..4, prop::option::weighted(0.2, section()), tags());
    (prop::collection::vec(section(), 4), prop::collection::vec(device, 1..24)).prop_map(|(shared, devices)| {
        let mut twins = Vec::new();
        for (n, (at, own, tags)) in devices.into_iter().enumerate() {
            let mut desired: Map<String, Value> = shared[at].clone();
            crate::twin::merge(&mut desired, &own.unwrap_or_default());
            twins.push(twin(&format!("d{n}"), tags, Value::Object(desired)));
        }
        twins
    })
}

fn path() -> impl Strategy<Value = PropertyPath> {
    prop::collection::vec("[a-d]", 1..3)
        .prop_map(|keys| crate::twin::Section::Desired.path(keys.iter().map(String::as_str)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn after_an_import_the_plan_is_empty(twins in twins(), tags in any::<bool>()) {
        let _plan_is_empty = imported(&twins, Options { tags, ..options() });
    }

    #[test]
    fn whatever_is_kept_out_the_plan_is_empty(
        twins in twins(),
        only in prop::collection::vec(path(), 0..2),
        skip in prop::collection::vec(path(), 0..3),
    ) {
        let _plan_is_empty = imported(&twins, Options { only, skip, ..options() });
    }

    #[test]
    fn texts_of_any_kind_survive(texts in prop::collection::vec(prop_oneof![any::<String>(), "[$ {}a\n-]{0,12}"], 1..6)) {
        let all: Vec<String> = texts.iter().enumerate().map(|(n, text)| twin(&format!("d{n}"), json!({"role": text}), json!({"a": {"b": text, "l": [text]}}))).collect();
        if let Ok(imported) = import(&all, options()) {
            prop_assert_eq!(planned(&imported, &all, Secrets::none()), Vec::<String>::new());
        }
    }
}
