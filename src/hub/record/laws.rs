//! What holds for every sequence of writes.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::twin::Map;

/// A fresh record to write to.
pub(super) fn record() -> Record {
    let link = LinkId { device: crate::twin::DeviceId::new("d1").unwrap(), module: None };
    let identity = DeviceIdentity { device_id: "d1".into(), ..DeviceIdentity::default() };
    Record::fresh(link, &identity, 7, "T0").unwrap()
}

/// Small trees over few keys, so that writes meet; now and then a key that no hub takes.
fn change() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        3 => Just(Value::Null),
        3 => any::<i16>().prop_map(Value::from),
        1 => Just(json!([1, {"a": "b"}])),
        1 => Just(json!({})),
    ];
    let key = prop_oneof![20 => "[abc]", 1 => Just("$bad".to_owned()), 1 => Just("a.b".to_owned())];
    leaf.prop_recursive(3, 12, 4, move |below| {
        prop::collection::btree_map(key.clone(), below, 0..4).prop_map(|map| Value::Object(map.into_iter().collect()))
    })
}

#[derive(Debug, Clone)]
enum Step {
    Service(Mode, Value),
    Device(Map),
    /// What configurations `a` and `b` want: this below that.
    Configured(Map, Map),
}

fn step() -> impl Strategy<Value = Step> {
    let body = || {
        (prop::option::of(change()), prop::option::of(change())).prop_map(|(tags, desired)| {
            let mut body = Map::new();
            tags.map(|tags| body.insert("tags".into(), tags));
            desired.map(|desired| body.insert("properties".into(), json!({ "desired": desired })));
            Value::Object(body)
        })
    };
    let report = || prop::collection::btree_map("[abc]", change(), 0..3);
    prop_oneof![
        3 => body().prop_map(|body| Step::Service(Mode::Merge, body)),
        1 => body().prop_map(|body| Step::Service(Mode::Replace, body)),
        2 => report().prop_map(|report| Step::Device(report.into_iter().collect())),
        2 => (report(), report())
            .prop_map(|(a, b)| Step::Configured(a.into_iter().collect(), b.into_iter().collect())),
    ]
}

/// The shape of values: objects as they are, anything else an end.
fn shape(values: &Value) -> Value {
    let members = values.as_object().into_iter().flatten();
    Value::Object(members.map(|(key, below)| (key.clone(), shape(below))).collect())
}

/// The shape of metadata: without what the hub notes at each node.
fn noted(metadata: &Value) -> Value {
    let members = metadata.as_object().into_iter().flatten().filter(|(key, _)| !key.starts_with('$'));
    Value::Object(members.map(|(key, below)| (key.clone(), noted(below))).collect())
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn check_shapes(twin: &Record) {
    for half in [&twin.desired, &twin.reported] {
        assert_eq!(shape(&read(&half.values)), noted(&read(&half.metadata)));
    }
}

fn apply(twin: &mut Record, step: &Step) -> Result<(), crate::hub::failure::Failure> {
    match step {
        Step::Service(mode, body) => {
            TwinWrite::parse(body.to_string().as_bytes(), *mode)?.apply(twin, "T")?;
        }
        Step::Device(patch) => {
            twin.report(patch, None, "T")?;
        }
        Step::Configured(a, b) => {
            configure(twin, a, b)?;
        }
    }
    Ok(())
}

/// Brings the twin to what two configurations want; what the device hears.
fn configure(twin: &mut Record, a: &Map, b: &Map) -> Result<Option<bytes::Bytes>, crate::hub::failure::Failure> {
    let mut wanted = Wanted::default();
    for (id, values) in [("a", a), ("b", b)] {
        let owner = std::sync::Arc::new(Owner { id: id.into(), digest: "7".into() });
        wanted.lay(&[], &Value::Object(values.clone()), &owner);
    }
    let told = twin.step(&wanted, &|_, _| true, "C")?.and_then(|step| twin.take(step));
    assert_eq!(twin.step(&wanted, &|_, _| true, "D"), Ok(None), "there is nothing left to do");
    Ok(told)
}

proptest! {
    #[test]
    fn metadata_mirrors_values_and_versions_never_fall(steps in prop::collection::vec(step(), 1..12)) {
        let mut twin = record();
        for step in steps {
            let before = twin.clone();
            if apply(&mut twin, &step).is_err() {
                prop_assert_eq!(&twin, &before, "a refused write changes nothing");
            }
            prop_assert!(twin.desired.version - before.desired.version <= 1);
            prop_assert!(twin.reported.version - before.reported.version <= 1);
            prop_assert!(twin.version - before.version <= 1 && twin.etag - before.etag <= 1);
            let silent = matches!(step, Step::Configured(..)) && twin.desired.values == before.desired.values;
            prop_assert!(twin.version > before.version || silent || twin == before);
            check_shapes(&twin);
        }
    }

    #[test]
    fn a_merging_client_ends_where_the_hub_is(steps in prop::collection::vec(step(), 1..12)) {
        let mut twin = record();
        let mut client = Map::new();
        for step in steps {
            let told = match &step {
                Step::Service(mode, body) => {
                    let Ok(write) = TwinWrite::parse(body.to_string().as_bytes(), *mode) else { continue };
                    write.apply(&mut twin, "T")
                }
                Step::Configured(a, b) => configure(&mut twin, a, b),
                Step::Device(_) => continue,
            };
            if let Ok(Some(told)) = told {
                let mut told: Map = serde_json::from_slice(&told).unwrap();
                prop_assert_eq!(told.remove("$version"), Some(twin.desired.version.into()));
                crate::twin::merge(&mut client, &told);
            }
            prop_assert_eq!(Value::Object(client.clone()), read(&twin.desired.values));
        }
    }

    #[test]
    fn no_body_makes_the_readers_panic(body in any::<Vec<u8>>(), text in ".{0,40}") {
        let _ = TwinWrite::parse(&body, Mode::Merge);
        let _ = TwinWrite::parse(text.as_bytes(), Mode::Replace);
        let _ = parse_report(&body);
    }
}
