//! What holds for all configurations and twins.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Configurations of few paths and values, so that they meet.
fn configurations() -> impl Strategy<Value = Vec<document::Configuration>> {
    let value = prop_oneof![
        (0_i64..3).prop_map(Value::from),
        Just(json!({"x": 1})),
        Just(json!({"x": 2, "y": {"z": 3}})),
        Just(json!({"y": null})),
        Just(json!({})),
    ];
    let path = prop_oneof![Just("properties.desired.a"), Just("properties.desired.a.x"), Just("properties.desired.b")];
    let one = (prop::collection::btree_map(path, value, 0..3), 0_u32..3, prop::bool::ANY);
    prop::collection::vec(one, 0..5).prop_map(|all| {
        let make = |(at, (content, priority, everybody)): (usize, _)| {
            let body = json!({
                "content": {"deviceContent": content}, "priority": priority,
                "targetCondition": if everybody { "*" } else { "tags.a = 1" },
            });
            let body = serde_json::from_value(body).unwrap();
            let now = rules::Now { ticks: 100 + at as u64, text: "T".to_owned() };
            rules::replace(&format!("c{at}"), body, None, &now).unwrap()
        };
        all.into_iter().enumerate().map(make).collect()
    })
}

fn fresh() -> Record {
    Record::fresh(link("d1"), &DeviceIdentity::default(), 7, "T").unwrap()
}

fn wanted(set: &set::Set, twin: &Record) -> Arc<Wanted> {
    let tags: Value = serde_json::from_str(twin.tags.as_deref().unwrap_or("{}")).unwrap();
    set.wanted(twin, set.meant(twin, &json!({"tags": tags})))
}

/// Evaluates a twin; whether anything had to be written.
fn evaluate(set: &set::Set, twin: &mut Record) -> bool {
    let step = twin.step(&wanted(set, twin), &|id, digest| set.lives(id, digest), "U").unwrap();
    step.is_some_and(|step| {
        twin.take(step);
        true
    })
}

/// The values and who owns them, whenever they were written.
fn state(half: &Half) -> (Value, Value) {
    fn strip(node: &mut Value) {
        let Some(members) = node.as_object_mut() else { return };
        members.retain(|key, _| !matches!(key.as_str(), "$lastUpdated" | "$lastUpdatedVersion"));
        members.values_mut().for_each(strip);
    }
    let mut metadata = serde_json::from_str(&half.metadata).unwrap();
    strip(&mut metadata);
    (serde_json::from_str(&half.values).unwrap(), metadata)
}

proptest! {
    #[test]
    fn the_order_of_configurations_does_not_matter_and_twice_is_once(
        all in configurations(),
        shuffled in any::<prop::sample::Index>(),
        tagged in any::<bool>(),
    ) {
        let mut other = all.clone();
        if !other.is_empty() {
            let at = shuffled.index(other.len());
            other.rotate_left(at);
            other.reverse();
        }
        let (set, other) = (set::Set::new(all), set::Set::new(other));
        let mut one = Record { tags: tagged.then(|| r#"{"a":1}"#.into()), ..fresh() };
        let mut two = one.clone();
        evaluate(&set, &mut one);
        evaluate(&other, &mut two);
        prop_assert_eq!(&one, &two);
        prop_assert!(!evaluate(&set, &mut one) && !evaluate(&other, &mut one));
    }

    #[test]
    fn a_twin_ends_in_the_same_state_whoever_meant_it_before(all in configurations()) {
        let set = set::Set::new(all);
        let tags: Option<Box<str>> = Some(r#"{"a":1}"#.into());
        let mut there_and_back = fresh();
        for tags in [None, tags.clone(), None] {
            there_and_back.tags = tags;
            evaluate(&set, &mut there_and_back);
        }
        let mut direct = fresh();
        evaluate(&set, &mut direct);
        prop_assert_eq!(state(&there_and_back.desired), state(&direct.desired));
        prop_assert_eq!(there_and_back.configurations, direct.configurations);
    }

    #[test]
    fn no_body_makes_the_rules_panic(text in ".{0,60}", key in ".{0,30}") {
        let _ = target::check(&text);
        let _ = rules::check_id(&text);
        let content = json!({"deviceContent": {key: text}});
        let _ = content::Content::parse(content.as_object().unwrap());
    }
}
