//! Projections and aggregates.

use super::*;

fn row(query: &str) -> Value {
    Value::Object(Query::parse(query).unwrap().project(&twin()))
}

fn fleet() -> Vec<Value> {
    vec![
        json!({ "deviceId": "a", "tags": { "site": "oslo", "load": 1 } }),
        json!({ "deviceId": "b", "tags": { "site": "munich", "load": 2.0 } }),
        json!({ "deviceId": "c", "tags": { "site": "oslo", "load": 4.5 } }),
        json!({ "deviceId": "d" }),
    ]
}

fn groups(query: &str, documents: &[Value]) -> Value {
    let query = Query::parse(query).unwrap();
    let mut aggregator = query.aggregator().unwrap();
    for document in documents.iter().filter(|document| query.matches(document)) {
        aggregator.add(document);
    }
    aggregator.finish().into_iter().map(Value::Object).collect()
}

#[test]
fn a_row_has_canonical_keys_aliases_and_no_undefined_ones() {
    assert_eq!(
        row("SELECT DEVICEID, status AS Status, tags.site, tags.gone AS gone, statusUpdatedTime FROM devices"),
        json!({ "deviceId": "pump-07", "Status": "enabled", "site": "oslo" })
    );
}

#[test]
fn a_row_keeps_values_as_they_stand() {
    assert_eq!(
        row("SELECT version, tags.none AS none, properties.reported.list AS list, capabilities.iotEdge FROM devices"),
        json!({ "version": 4, "none": null, "list": [1, "two", null], "iotEdge": true })
    );
}

#[test]
fn counting_nothing_gives_one_row_with_zero() {
    assert_eq!(groups("SELECT COUNT() AS n FROM devices", &[]), json!([{ "n": 0 }]));
    assert_eq!(groups("SELECT COUNT() AS n, MAX(tags.load) AS m FROM devices", &[]), json!([{ "n": 0 }]));
    assert_eq!(groups("SELECT tags.site, COUNT() AS n FROM devices GROUP BY tags.site", &[]), json!([]));
}

#[test]
fn groups_come_in_order_and_the_missing_key_is_one_of_them() {
    assert_eq!(
        groups("SELECT tags.site AS site, COUNT() AS n FROM devices GROUP BY tags.site", &fleet()),
        json!([{ "site": "oslo", "n": 2 }, { "site": "munich", "n": 1 }, { "n": 1 }])
    );
    assert_eq!(groups("SELECT TOP 1 tags.site FROM devices GROUP BY tags.site", &fleet()), json!([{ "site": "oslo" }]));
}

#[test]
fn aggregates_fold_numbers_and_skip_what_is_not_there() {
    assert_eq!(
        groups(
            "SELECT SUM(tags.load) AS s, AVG(tags.load), MIN(tags.load), MAX(deviceId) AS last FROM devices \
             WHERE IS_DEFINED(tags)",
            &fleet()
        ),
        json!([{ "s": 7.5, "avg": 2.5, "min": 1, "last": "c" }])
    );
}

#[test]
fn equal_numbers_are_one_group_and_texts_are_not_numbers() {
    let documents: Vec<Value> = [json!(1), json!(1.0), json!("1"), json!(null)]
        .into_iter()
        .map(|load| json!({ "tags": { "load": load } }))
        .collect();
    assert_eq!(
        groups("SELECT tags.load, COUNT() AS n FROM devices GROUP BY tags.load", &documents),
        json!([{ "load": 1, "n": 2 }, { "load": "1", "n": 1 }, { "load": null, "n": 1 }])
    );
}
