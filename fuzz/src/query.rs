//! The query language: what is printed parses to the same, and means the same for a twin.

use serde_json::{Value, json};
use twinops::query::{Condition, FieldPath, Literal, MAX_LENGTH, Query, Target};

/// What parts the query from the twin that it is asked of; no JSON has it.
const BETWEEN: char = '\0';

/// The input is a statement, a condition or a path, and perhaps a twin.
pub fn query(input: &[u8]) {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let (text, twin) = input.split_once(BETWEEN).unwrap_or((input, ""));
    let twin = serde_json::from_str(twin).unwrap_or_else(|_| sample());
    statement(text, &twin);
    condition(text, &twin);
    if let Ok(path) = FieldPath::parse(text) {
        assert_eq!(FieldPath::parse(&path.to_string()), Ok(path));
    }
    if let Ok(target) = Target::parse(text) {
        let printed = target.to_string();
        if fits(&printed) {
            assert_eq!(Target::parse(&printed).as_ref(), Ok(&target), "{printed}");
        }
        target.matches(&twin);
    }
}

fn statement(text: &str, twin: &Value) {
    let query = match Query::parse(text) {
        Ok(query) => query,
        Err(error) => {
            assert!(text.get(error.span.clone()).is_some(), "the place is in the text: {error:?}");
            return;
        }
    };
    let printed = query.to_string();
    if fits(&printed) {
        assert_eq!(Query::parse(&printed).as_ref(), Ok(&query), "{printed}");
    }
    if !query.matches(twin) {
        return;
    }
    let row = query.project(twin);
    assert!(query.select_all() || row.keys().all(|key| !key.is_empty()));
    if let Some(mut groups) = query.aggregator() {
        groups.add(twin);
        groups.add(twin);
        assert_eq!(groups.len(), 1, "the same twin twice is one group");
        assert_eq!(groups.finish().len(), 1);
    }
}

fn condition(text: &str, twin: &Value) {
    let Ok(condition) = Condition::parse(text) else { return };
    let is_selected = condition.matches(twin);
    let printed = condition.to_string();
    let holds = |text: &str| Condition::parse(text).ok().map(|condition| condition.matches(twin));
    if fits(&printed) {
        let again = Condition::parse(&printed);
        assert_eq!(again.as_ref(), Ok(&condition), "{printed}");
    }
    // Deep ones cannot be wrapped: nesting is bounded.
    if let Some(denied) = holds(&format!("NOT ({printed})")) {
        assert!(!(is_selected && denied), "both it and its opposite hold: {printed}");
    }
    if let Some(twice) = holds(&format!("NOT (NOT ({printed}))")) {
        assert_eq!(twice, is_selected, "{printed}");
    }
    if !is_selected {
        return;
    }
    for equality in condition.equalities() {
        let list = Literal::List(equality.any_of.to_vec());
        assert_ne!(holds(&format!("{} IN {list}", equality.path)), Some(false), "an index would lose it: {printed}");
    }
}

/// Whether a hub takes a text of this length: the canonical one may be longer than what was written.
fn fits(text: &str) -> bool {
    text.chars().count() <= MAX_LENGTH
}

fn sample() -> Value {
    json!({
        "deviceId": "d1", "status": "enabled", "connectionState": "Connected", "capabilities": { "iotEdge": true },
        "parentScopes": ["s1"], "tags": { "site": "oslo", "floor": 3, "flag": true, "none": null, "a b": 1 },
        "properties": {
            "desired": { "fw": { "channel": "beta" }, "$version": 2 },
            "reported": { "temp": 21.5, "list": [1, "two", null], "$version": 9 } },
        "configurations": { "fw-stable": { "status": "Applied" } }
    })
}
