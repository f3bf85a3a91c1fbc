//! The language as the protocol reference describes it, and the messages for what it refuses.

mod laws;
mod logic;
mod rows;

use serde_json::{Value, json};

use super::*;

/// A twin as the service shows it.
fn twin() -> Value {
    json!({
        "deviceId": "pump-07", "etag": "AAAAAAAAAAI=", "status": "enabled", "version": 4, "modelId": "",
        "connectionState": "Connected", "capabilities": { "iotEdge": true }, "parentScopes": ["s1", "s2"],
        "tags": { "site": "oslo", "floor": 3, "flag": true, "none": null, "Site": "upper", "a b": 1 },
        "properties": {
            "desired": { "fw": { "channel": "beta" }, "$version": 2 },
            "reported": { "temp": 21.5, "list": [1, "two", null], "$version": 9 } },
        "configurations": { "fw-stable": { "status": "Applied" } }
    })
}

fn selects(condition: &str) -> bool {
    Condition::parse(condition).unwrap_or_else(|error| panic!("{condition}: {error}")).matches(&twin())
}

/// The message and the part of the text it points at.
fn refusal(query: &str) -> (String, &str) {
    let error = Query::parse(query).expect_err(query);
    (error.message, &query[error.span])
}

const STATEMENTS_OF_REAL_TOOLS: [&str; 12] = [
    "SELECT * FROM devices",
    "SELECT * FROM devices.modules WHERE deviceId in ['x']",
    "select * from devices where capabilities.iotEdge = true",
    "select count() AS numberOfDevices from devices",
    "SELECT deviceId as DeviceId, status as Status, lastActivityTime as LastActivityTime, \
     statusUpdatedTime as StatusUpdatedTime,\n authenticationType as AuthenticationType, \
     cloudToDeviceMessageCount as CloudToDeviceMessageCount,\n connectionState as ConnectionState, \
     capabilities.iotEdge as IotEdge, modelId as ModelId FROM devices\n WHERE STARTSWITH(devices.deviceId, 'p') AND \
     status = 'enabled' AND capabilities.iotEdge=true",
    "SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'j1' and devices.jobs.status = 'failed'",
    "select deviceId from devices where configurations.[[id]].status = 'Applied'",
    "SELECT properties.reported.telemetryConfig.status AS status, COUNT() AS numberOfDevices FROM devices \
     GROUP BY properties.reported.telemetryConfig.status",
    "select * from devices where ARRAY_CONTAINS(parentScopes,'ms-azure-iot-edge://e-1')",
    "SELECT deviceId FROM devices",
    "select deviceId from devices where tags.r=1",
    "SELECT TOP 5 * FROM devices WHERE tags.a NIN ['b', \"c\"] AND IS_DEFINED(properties.desired.$metadata.fw.$lastUpdated)",
];

#[test]
fn the_statements_of_real_tools_parse_and_print() {
    for text in STATEMENTS_OF_REAL_TOOLS {
        let query = Query::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(Query::parse(&query.to_string()), Ok(query));
    }
}

#[test]
fn a_statement_prints_in_its_canonical_form() {
    let query =
        Query::parse("select top 3 DEVICEID as id from devices where not (tags.a='x' or tags.b<>0x10)").unwrap();
    assert_eq!(query.to_string(), "SELECT TOP 3 deviceId AS id FROM devices WHERE NOT (tags.a = 'x' OR tags.b != 16)");
    assert_eq!(query.condition().unwrap().text(), "not (tags.a='x' or tags.b<>0x10)");
    assert_eq!((query.top(), query.source(), query.item_type()), (Some(3), Source::Devices, ItemType::Raw));
}

#[test]
fn whole_rows_have_the_type_of_their_source() {
    let item = |text: &str| Query::parse(text).unwrap().item_type().to_string();
    assert_eq!(item("SELECT * FROM devices"), "Twin");
    assert_eq!(item("SELECT * FROM devices.modules"), "Twin");
    assert_eq!(item("SELECT * FROM devices.jobs"), "DeviceJob");
    assert_eq!(item("SELECT COUNT() FROM devices"), "Raw");
}

#[test]
fn what_the_language_lacks_is_refused_with_a_way_out() {
    for (query, at, help) in [
        ("SELECT * FROM devices ORDER BY deviceId", "ORDER", "sort the answer yourself"),
        ("SELECT * FROM devices JOIN m", "JOIN", "one source"),
        ("SELECT DISTINCT tags.a FROM devices", "tags", "FROM"),
        ("SELECT * FROM devices WHERE tags.a LIKE 'x%'", "LIKE", "STARTSWITH"),
        ("SELECT * FROM devices WHERE tags.a IN ('x')", "(", "brackets"),
        ("SELECT * FROM devices WHERE tags.a NOT IN ['x']", "NOT", "`NIN`"),
        ("SELECT * FROM devices WHERE tags.a IN []", "[]", "empty list"),
        ("SELECT * FROM devices WHERE COUNT() > 1", "COUNT", "after SELECT"),
        ("SELECT * FROM devices WHERE tags.flag", "tags.flag", "`tags.flag = true`"),
        ("SELECT * FROM devices WHERE tags.a = 'x' = true", "=", "AND"),
        ("SELECT * FROM devices WHERE (tags.a = 1) = 2", "(tags.a = 1)", "found a condition"),
        ("SELECT * FROM devices WHERE 1 + 2", "1 + 2", "found a value"),
        ("SELECT * FROM devices.jobs GROUP BY status", "devices.jobs", "whole rows only"),
        ("SELECT jobId FROM devices.jobs", "jobId", "whole rows only"),
        ("SELECT tags.a, COUNT() FROM devices", "tags.a", "GROUP BY"),
        ("SELECT tags.site, properties.reported.site FROM devices", "properties.reported.site", "AS"),
        ("SELECT COUNT(deviceId) FROM devices", "deviceId", "no argument"),
        ("SELECT TOP 0 * FROM devices", "0", "1 or more"),
        ("SELECT *, deviceId FROM devices", ",", "stands alone"),
    ] {
        let (message, span) = refusal(query);
        assert_eq!(span, at, "{query}: {message}");
        assert!(message.contains(help), "{query}: {message}");
    }
}

#[test]
fn slips_of_the_finger_are_named() {
    for (query, suggestion) in [
        ("SELCT * FROM devices", "`SELECT`"),
        ("SELECT * FORM devices", "`FROM`"),
        ("SELECT * FROM device", "`DEVICES`"),
        ("SELECT * FROM devices WHER a = 1", "`WHERE`"),
        ("SELECT * FROM devices WHERE tags.a = 1 ADN tags.b = 2", "`AND`"),
        ("SELECT * FROM devices WHERE IS_DEFINE(tags.a)", "`IS_DEFINED`"),
        ("SELECT CONT() FROM devices", "`COUNT`"),
    ] {
        let (message, _) = refusal(query);
        assert!(message.contains("did you mean") && message.contains(suggestion), "{query}: {message}");
    }
}

#[test]
fn a_bare_condition_is_no_statement() {
    let error = Condition::parse("WHERE tags.a = 1").unwrap_err();
    assert_eq!(error.to_string(), "line 1, column 1: write only the condition, without `WHERE`");
    assert!(Condition::parse("*").is_err());
    assert!(Condition::parse("").unwrap_err().message.contains("the text ends here"));
}

#[test]
fn unknown_fields_and_routing_functions_are_doubts_not_errors() {
    let text = "tag.site = 'x' AND LOWER(tags.fw-channel) = 'y'";
    let condition = Condition::parse(text);
    assert!(condition.is_ok(), "{condition:?}");
    let doubts: Vec<(String, &str)> =
        condition.unwrap().doubts().iter().map(|doubt| (doubt.message.clone(), &text[doubt.span.clone()])).collect();
    assert_eq!(doubts.len(), 3);
    assert!(doubts[0].0.contains("did you mean `tags`") && doubts[0].1 == "tag.site");
    assert!(doubts[1].0.contains("tags.[[fw-channel]]") && doubts[1].1 == "channel");
    assert!(doubts[2].0.contains("routing") && doubts[2].1 == "LOWER");
}

#[test]
fn depth_and_length_are_bounded() {
    for text in ["(".repeat(8000), "NOT ".repeat(2000), "ABS(".repeat(2000), format!("tags.a IN {}", "[".repeat(8000))]
    {
        assert!(Condition::parse(&text).unwrap_err().message.contains("nested deeper"), "{text:.20}");
    }
    let chain = format!("tags.a = 1{}", " AND tags.a = 1".repeat(500));
    assert!(Condition::parse(&chain).is_ok());
    let sum = format!("1{} > 0", "+1".repeat(4000));
    assert!(Condition::parse(&sum).unwrap().matches(&twin()));
    let long = format!("tags.a = '{}'", "ö".repeat(8192));
    let error = Condition::parse(&long).unwrap_err();
    assert!(error.message.contains("at most 8192"), "{error}");
    assert!(Condition::parse(&format!("tags.a = '{}'", "ö".repeat(8181))).is_ok());
}

#[test]
fn the_paths_of_a_condition_come_in_order() {
    let condition = Condition::parse("tags.b = 1 AND (DEVICEID IN ['x'] OR LENGTH(tags.a) + tags.c > 2)").unwrap();
    let paths: Vec<String> = condition.paths().map(ToString::to_string).collect();
    assert_eq!(paths, ["tags.b", "deviceId", "tags.a", "tags.c"]);
}

#[test]
fn an_index_can_serve_what_all_selected_documents_share() {
    let condition = Condition::parse(
        "(deviceId IN ['x', 'y'] AND 'oslo' = tags.site) AND (tags.a = 1 OR tags.b = 2) AND NOT tags.c = 3 AND tags.d > 4",
    )
    .unwrap();
    let found: Vec<(String, usize)> =
        condition.equalities().map(|term| (term.path.to_string(), term.any_of.len())).collect();
    assert_eq!(found, [("deviceId".to_owned(), 2), ("tags.site".to_owned(), 1)]);
}
