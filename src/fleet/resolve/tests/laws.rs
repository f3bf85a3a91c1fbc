//! Laws of resolving.

use proptest::prelude::*;

use super::*;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        (0_i64..3).prop_map(Value::from),
        Just(json!("${tags.t}")),
        Just(json!("${vars.v}")),
        Just(json!("${device.id}")),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop::collection::btree_map("[ab]", inner, 0..3).prop_map(|m| Value::Object(m.into_iter().collect()))
    })
}

fn desired() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-c]", value(), 0..3).prop_map(|m| Value::Object(m.into_iter().collect()))
}

/// Profiles as priority, whether only role `x` has it, and desired properties; and a device's own document.
fn bench() -> impl Strategy<Value = Bench> {
    let profile = (0_i64..3, any::<bool>(), desired());
    (prop::collection::vec(profile, 0..5), prop::option::of(desired())).prop_map(|(profiles, own)| {
        let bench = Bench::new().vars(json!({"v": 1}));
        let bench = profiles.into_iter().enumerate().fold(bench, |bench, (n, (priority, all, desired))| {
            bench.profile(&format!("p{n}"), priority, if all { "" } else { "tags.role = 'x'" }, desired)
        });
        own.into_iter().fold(bench, |bench, own| bench.device("own", json!({"t": 2}), own))
    })
}

fn outcome(resolver: &Resolver, name: &str, role: &str, tag: i64) -> Result<Option<Arc<Wanted>>, Unresolved> {
    wanted(resolver, name, json!({"role": role, "t": tag}))
}

proptest! {
    #[test]
    fn the_order_of_profiles_does_not_matter(bench in bench(), seed in any::<u64>()) {
        let mut shuffled = bench.clone();
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled.fleet.profiles);
        let (one, other) = (bench.plain(), shuffled.plain());
        for name in ["own", "other"] {
            prop_assert_eq!(outcome(&one, name, "x", 1), outcome(&other, name, "x", 1));
        }
    }

    #[test]
    fn a_class_resolves_as_each_of_its_devices_does(bench in bench()) {
        let shared = bench.plain();
        for name in ["own", "a", "b", "own"] {
            for (role, tag) in [("x", 1), ("y", 1), ("x", 2), ("x", 1)] {
                prop_assert_eq!(outcome(&shared, name, role, tag), outcome(&bench.plain(), name, role, tag));
            }
        }
    }

    #[test]
    fn the_documents_that_made_it_up_make_it_up_again(bench in bench()) {
        let resolver = bench.plain();
        for name in ["own", "other"] {
            let (id, tags) = (id(name), map(json!({"role": "x", "t": 1})));
            let facts = Facts { id: &id, tags: &tags, reported: None, model_id: None };
            if let Ok(Some(wanted)) = resolver.wanted(&facts) {
                let sources: Vec<&str> = wanted.sources.iter().map(|source| &**source).collect();
                prop_assert_eq!(resolver.from_sources(&facts, &sources).unwrap(), Some(wanted));
            }
        }
    }

    #[test]
    fn every_leaf_has_a_line(bench in bench()) {
        let resolver = bench.plain();
        if let Ok(Some(wanted)) = outcome(&resolver, "own", "x", 1) {
            for leaf in crate::twin::leaves(&wanted.desired) {
                let path = crate::twin::Section::Desired.path(leaf.keys);
                prop_assert!(resolver.origin(&wanted, &path).is_some(), "{}", path);
            }
        }
    }

    #[test]
    fn the_strongest_document_has_its_way(bench in bench(), own in desired()) {
        let bench = bench.device("own", json!({"t": 2}), own);
        let resolver = bench.plain();
        if let Ok(Some(wanted)) = outcome(&resolver, "own", "x", 1) {
            let own = bench.fleet.devices["own"].desired();
            for leaf in crate::twin::leaves(&own).into_iter().filter(|leaf| !leaf.value.is_string()) {
                let found = crate::twin::get(&wanted.desired, &leaf.keys);
                let is_open = leaf.value.as_object().is_some();
                prop_assert!(found == Some(leaf.value) || (is_open && found.is_some_and(Value::is_object)));
            }
        }
    }
}
