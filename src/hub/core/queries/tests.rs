//! What a database finds by itself is what the evaluator finds.

use std::sync::Arc;

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use serde_json::{Map, Value, json};

use super::{fields::RecordFields, sieve};
use crate::{
    hub::{
        core::presence::PresenceTable,
        ports::LinkId,
        record::{Mode, Record, TwinWrite},
        store::{
            Change, Outcome, Span, SqliteStore, Store,
            tests::{postgres, shared},
        },
    },
    iothub::{DeviceIdentity, DeviceStatus},
    query::{Query, Sieve},
    twin::DeviceId,
};

/// Values that meet each other, and those that databases stumble over.
fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("x")),
        Just(json!("y")),
        Just(json!("")),
        Just(json!("é\u{10ffff}")),
        Just(json!("x\u{0}y")),
        Just(json!("\u{fffd}")),
        Just(json!("\\u0000")),
        Just(json!(1)),
        Just(json!(1.0)),
        Just(json!(-0.0)),
        Just(json!(0.1)),
        Just(json!(1e16)),
        Just(json!(1e300)),
        Just(json!(9_007_199_254_740_993_u64)),
        Just(json!(true)),
        Just(json!(false)),
        Just(json!([1, "x"])),
        Just(json!({})),
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![Just("a"), Just("b"), Just("0"), Just("c\"d"), Just("e\\f")].prop_map(str::to_owned)
}

fn tree() -> impl Strategy<Value = Value> {
    let map = |inner: BoxedStrategy<Value>| {
        prop::collection::btree_map(key(), inner, 0..4)
            .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>()))
    };
    let leaf = leaf().boxed();
    let inner = prop_oneof![3 => leaf.clone(), 1 => map(leaf)].boxed();
    map(inner)
}

fn path() -> impl Strategy<Value = String> {
    let key = || prop_oneof![3 => Just("a"), 3 => Just("b"), 1 => Just("[[0]]"), 1 => Just("[[c\"d]]"), 1 => Just("[[e\\f]]")];
    let root = prop_oneof![Just("tags"), Just("properties.desired"), Just("properties.reported")];
    prop_oneof![
        6 => (root.clone(), key()).prop_map(|(root, key)| format!("{root}.{key}")),
        3 => (root, key(), key()).prop_map(|(root, a, b)| format!("{root}.{a}.{b}")),
        1 => Just("deviceId".to_owned()),
        1 => Just("status".to_owned()),
        1 => Just("version".to_owned()),
        1 => Just("tags".to_owned()),
        1 => Just("connectionState".to_owned()),
    ]
}

fn literal() -> impl Strategy<Value = String> {
    let literals = [
        "'x'",
        "'y'",
        "''",
        "'d1'",
        "'d20'",
        "'enabled'",
        "'Disconnected'",
        "'\u{fffd}'",
        "'é'",
        "1",
        "0",
        "0.1",
        "-1.5",
        "1e16",
        "9007199254740992",
        "true",
        "false",
        "null",
        "'\\\\u0000'",
    ];
    prop::sample::select(literals.to_vec()).prop_map(str::to_owned)
}

fn condition() -> impl Strategy<Value = String> {
    let operator = prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">="]);
    let function = prop::sample::select(vec![
        "IS_DEFINED",
        "IS_NULL",
        "IS_BOOL",
        "IS_NUMBER",
        "IS_STRING",
        "IS_OBJECT",
        "IS_ARRAY",
        "IS_PRIMITIVE",
    ]);
    let test = prop_oneof![
        4 => (path(), operator.clone(), literal()).prop_map(|(path, operator, literal)| format!("{path} {operator} {literal}")),
        1 => (literal(), operator, path()).prop_map(|(literal, operator, path)| format!("{literal} {operator} {path}")),
        2 => (path(), any::<bool>(), prop::collection::vec(literal(), 1..4)).prop_map(|(path, not, list)| {
            format!("{path} {} [{}]", if not { "NIN" } else { "IN" }, list.join(", "))
        }),
        2 => (function, path()).prop_map(|(function, path)| format!("{function}({path})")),
        1 => (path(), prop::sample::select(vec!["x", "", "é", "d1"])).prop_map(|(path, text)| format!("STARTSWITH({path}, '{text}')")),
        1 => path().prop_map(|path| format!("LENGTH({path}) > 0")),
    ];
    test.prop_recursive(3, 12, 3, |inner| {
        let many = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            2 => many.clone().prop_map(|many| format!("({})", many.join(" AND "))),
            2 => many.prop_map(|many| format!("({})", many.join(" OR "))),
            1 => inner.prop_map(|inner| format!("NOT ({inner})")),
        ]
    })
}

async fn fill<S: Store>(store: &S, runner: &mut TestRunner) -> Vec<Record> {
    let trees = (prop::option::of(tree()), tree(), tree());
    let mut records = Vec::new();
    // Every fourth has a module.
    let names = (0..120).flat_map(|n| [(n, None), (n, Some("m"))]).filter(|(n, module)| module.is_none() || n % 4 == 0);
    for (n, module) in names {
        let (tags, desired, reported) = trees.new_tree(runner).unwrap().current();
        let status = if n % 3 == 0 { DeviceStatus::Disabled } else { DeviceStatus::Enabled };
        let identity = DeviceIdentity { device_id: format!("d{n}"), status, ..DeviceIdentity::default() };
        let link = LinkId { device: DeviceId::new(&identity.device_id).unwrap(), module: module.map(Into::into) };
        let mut record = Record::fresh(link, &identity, 7, "T").unwrap();
        let mut body = json!({"properties": {"desired": desired}});
        if let Some(tags) = tags {
            body["tags"] = tags;
        }
        // What the limits of twins refuse stays out, except for texts that only the index minds.
        if let Ok(write) = TwinWrite::parse(body.to_string().as_bytes(), Mode::Merge) {
            let _refused = write.apply(&mut record, "T");
        }
        record.reported.values = reported.to_string().into();
        let insert = Change::Insert(Arc::new(record.clone()));
        assert_eq!(store.write(vec![insert]).await.unwrap(), Outcome::Written);
        records.push(record);
    }
    records.sort_by(|a, b| a.link.cmp(&b.link));
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shared_store_finds_all_that_the_evaluator_finds_and_counts_the_same() {
    let Some(server) = postgres() else { return };
    finds_and_counts(shared(&server).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_store_finds_all_that_the_evaluator_finds_and_counts_the_same() {
    let folder = tempfile::tempdir().unwrap();
    finds_and_counts(SqliteStore::open(folder.path()).unwrap()).await;
}

/// All records that pass, asked for a few at a time.
async fn scan<S: Store>(store: &S, span: Span<'_>, sieve: &Sieve, limit: usize) -> Vec<Record> {
    let (mut records, mut after) = (Vec::new(), None);
    loop {
        let found = store.scan(span, after.as_ref(), sieve, limit).await.unwrap();
        assert!(found.records.len() <= limit);
        records.extend(found.records);
        after = found.next;
        if after.is_none() {
            return records;
        }
    }
}

async fn finds_and_counts<S: Store>(store: S) {
    let mut runner = TestRunner::default();
    let records = fill(&store, &mut runner).await;
    let table = PresenceTable::default();
    let (conditions, groups) = (condition(), prop::collection::vec(path(), 0..3));
    let (mut pushed, mut counted, mut exact) = (0, 0, 0);
    for round in 0..400 {
        let text = conditions.new_tree(&mut runner).unwrap().current();
        let mut by = groups.new_tree(&mut runner).unwrap().current();
        by.dedup();
        let columns: Vec<String> = by.iter().enumerate().map(|(at, path)| format!("{path} AS c{at}, ")).collect();
        let columns = columns.concat();
        let by = if by.is_empty() { String::new() } else { format!(" GROUP BY {}", by.join(", ")) };
        // Now and then all of them: there are ways to count them by one path without a look at any.
        let wanted = if round % 10 == 0 { String::new() } else { format!(" WHERE {text}") };
        let query = Query::parse(&format!("SELECT {columns}COUNT() AS n FROM devices{wanted}{by}")).unwrap();
        let sieve = sieve(query.condition());
        let selects = |record: &&Record| query.matches(&RecordFields::new(record, &table));
        let four = DeviceId::new("d4").unwrap();
        for span in [Span::Devices, Span::Modules, Span::ModulesOf(&four)] {
            let within = |record: &&Record| match span {
                Span::Devices => record.link.module.is_none(),
                Span::Modules => record.link.module.is_some(),
                Span::ModulesOf(of) => record.link.module.is_some() && record.link.device == *of,
            };
            let expected: Vec<&LinkId> =
                records.iter().filter(within).filter(selects).map(|record| &record.link).collect();
            let found = scan(&store, span, &sieve, if round % 2 == 0 { 1000 } else { 7 }).await;
            let selected: Vec<&LinkId> = found.iter().filter(selects).map(|record| &record.link).collect();
            assert_eq!(selected, expected, "{span:?} {query}");
            pushed += u32::from(found.len() < records.iter().filter(within).count());
            exact += u32::from(found.len() == expected.len() && sieve != Sieve::Anything);
        }

        let Some(tallies) = store.tally(&sieve, query.counted_by().unwrap(), 1000).await.unwrap() else { continue };
        let mut there = query.aggregator().unwrap();
        for tally in &tallies {
            there.add_counted(&super::run::GroupFields::new(query.counted_by().unwrap(), &tally.keys), tally.rows);
        }
        let mut here = query.aggregator().unwrap();
        let devices = records.iter().filter(|record| record.link.module.is_none());
        devices.filter(selects).for_each(|record| here.add(&RecordFields::new(record, &table)));
        assert_eq!(there.finish(), here.finish(), "{query}");
        counted += 1;
    }
    assert!(pushed > 100 && exact > 100 && counted > 20, "{pushed} {exact} {counted}");
}
