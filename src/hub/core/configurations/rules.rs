//! From the body of a PUT to a configuration (protocol reference 8.1, 8.2).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    content::{self, Content},
    document::Configuration,
    target,
};
use crate::{
    hub::{failure::Failure, random},
    iothub::{ETag, ErrorCode},
    query::{Query, Source},
    twin::Map,
};

/// Longest id, and most metrics of one's own.
const LONGEST: usize = 128;
const METRICS: usize = 5;

/// What a client sends; members that are the hub's to say are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Body {
    id: Option<String>,
    schema_version: Option<String>,
    labels: Option<Map>,
    content: Option<Map>,
    target_condition: Option<String>,
    priority: Option<Value>,
    metrics: Option<Metrics>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metrics {
    queries: Option<BTreeMap<String, String>>,
}

/// When something is written.
pub(super) struct Now {
    pub(super) ticks: u64,
    pub(super) text: String,
}

/// Refuses an id that no configuration can have.
pub(super) fn check_id(id: &str) -> Result<(), Failure> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-+%_*!'".contains(&byte);
    if !id.is_empty() && id.len() <= LONGEST && id.bytes().all(fits) {
        return Ok(());
    }
    Err(Failure::invalid(format!(
        "a configuration's id has 1 to {LONGEST} of lower-case letters, digits and - + % _ * ! '"
    )))
}

/// The configuration that a PUT leaves. Its content is that of `old`, whatever the body has; there has to be one.
pub(super) fn replace(id: &str, body: Body, old: Option<&Configuration>, now: &Now) -> Result<Configuration, Failure> {
    if body.id.as_ref().is_some_and(|named| !named.is_empty() && named != id) {
        return Err(Failure::invalid(format!("the body names another configuration than the path, `{id}`")));
    }
    let given = body.content.filter(|content| !content.is_empty()).ok_or_else(|| {
        Failure::new(ErrorCode::InvalidConfigurationContent, "content is missing; an update needs it too")
    })?;
    let content = old.map_or_else(|| content::only_kind(given), |old| Ok(old.content.clone()))?;
    let target = body.target_condition.unwrap_or_default();
    target::parse(&target, &Content::parse(&content)?)?;
    let queries = body.metrics.and_then(|metrics| metrics.queries).unwrap_or_default();
    check_queries(&queries)?;
    Ok(Configuration {
        id: id.to_owned(),
        schema_version: body.schema_version,
        labels: body.labels,
        content,
        target,
        priority: priority(body.priority.as_ref())?,
        created: old.map_or_else(|| now.text.clone(), |old| old.created.clone()),
        updated: now.text.clone(),
        ticks: old.map_or(now.ticks, |old| old.ticks),
        queries,
        etag: next_etag(old)?,
    })
}

/// Another one than before, and no earlier one of the same id, lest a stale `If-Match` pass after a re-creation.
fn next_etag(old: Option<&Configuration>) -> Result<ETag, Failure> {
    let etag = ETag::of_identity(random::number()?.into());
    if old.is_some_and(|old| old.etag == etag) { next_etag(old) } else { Ok(etag) }
}

fn priority(given: Option<&Value>) -> Result<u32, Failure> {
    let number = match given {
        None | Some(Value::Null) => Some(0),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(other) => other.as_u64().and_then(|number| u32::try_from(number).ok()),
    };
    number.ok_or_else(|| Failure::invalid("priority is a whole number from 0"))
}

fn check_queries(queries: &BTreeMap<String, String>) -> Result<(), Failure> {
    if queries.len() > METRICS {
        return Err(Failure::invalid(format!("a configuration has at most {METRICS} metrics of its own")));
    }
    queries.iter().try_for_each(|(name, text)| {
        check_query(text).map(drop).map_err(|message| {
            Failure::new(ErrorCode::InvalidConfigurationCustomMetricsQuery, format!("metric `{name}`: {message}"))
        })
    })
}

/// Reads a metric's query; why not, otherwise.
pub(super) fn check_query(text: &str) -> Result<Query, String> {
    let query = Query::parse(text).map_err(|error| error.to_string())?;
    if query.source() == Source::Jobs {
        return Err("a metric counts devices or modules, not jobs".to_owned());
    }
    Ok(query)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn put(body: Value, old: Option<&Configuration>) -> Result<Configuration, u32> {
        let now = Now { ticks: 7, text: "T".to_owned() };
        let made = replace("fw", serde_json::from_value(body).unwrap(), old, &now);
        made.map_err(|failure| failure.code.number())
    }

    #[test]
    fn ids_are_lower_case_and_short() {
        for id in ["fw", "node_e2e_device_1-a", "-+%_*!'9", &"x".repeat(128)] {
            assert_eq!(check_id(id), Ok(()), "{id}");
        }
        for id in ["", "Fw", "a b", "a/b", "a.b", "ä", &"x".repeat(129)] {
            assert_eq!(check_id(id).unwrap_err().code, ErrorCode::ArgumentInvalid, "{id}");
        }
    }

    #[test]
    fn what_is_left_out_has_its_default_and_numbers_may_be_texts() {
        let content = json!({"deviceContent": {"properties.desired.a": 1}, "moduleContent": null});
        let made = put(json!({"content": content, "unknown": 1, "etag": "*", "metrics": {}}), None).unwrap();
        assert_eq!((made.priority, made.target.as_str(), made.labels, made.schema_version), (0, "", None, None));
        assert_eq!(Value::Object(made.content), json!({"deviceContent": {"properties.desired.a": 1}}));
        assert_eq!(put(json!({"content": content, "priority": "12"}), None).unwrap().priority, 12);
    }

    #[test]
    fn what_breaks_a_rule_is_refused_with_its_code() {
        let good = json!({"deviceContent": {"properties.desired.a": 1}});
        let metrics = |count: usize| -> Value {
            (0..count).map(|n| (n.to_string(), Value::from("SELECT * FROM devices"))).collect::<Map>().into()
        };
        for (body, code) in [
            (json!({"targetCondition": "*"}), 400_402),
            (json!({"content": {}}), 400_402),
            (json!({"content": {"unknown": {}}}), 400_402),
            (json!({"content": {"deviceContent": {}, "moduleContent": {}}}), 400_402),
            (json!({"id": "other", "content": good}), 400_004),
            (json!({"content": good, "priority": -1}), 400_004),
            (json!({"content": good, "priority": "high"}), 400_004),
            (json!({"content": good, "targetCondition": "tags.a"}), 400_401),
            (json!({"content": good, "metrics": {"queries": metrics(6)}}), 400_004),
            (json!({"content": good, "metrics": {"queries": {"a": "SELECT"}}}), 400_404),
            (json!({"content": good, "metrics": {"queries": {"a": "SELECT * FROM devices.jobs"}}}), 400_404),
        ] {
            assert_eq!(put(body.clone(), None).unwrap_err(), code, "{body}");
        }
        assert!(put(json!({"content": good, "metrics": {"queries": metrics(5)}}), None).is_ok());
    }

    #[test]
    fn an_update_needs_a_content_and_keeps_the_old_one() {
        let content = |value: u8| json!({"deviceContent": {"properties.desired.a": value}});
        let old = put(json!({"content": content(1), "labels": {"a": "b"}, "priority": 1}), None).unwrap();
        let new = put(json!({"content": content(2), "priority": 2}), Some(&old)).unwrap();
        assert_eq!((&new.content, new.priority, &new.labels), (&old.content, 2, &None));
        assert!(new.etag != old.etag);
        let odd = put(json!({"content": {"deviceContent": {"tags.a": 1}}}), Some(&old));
        assert_eq!(odd.unwrap().content, old.content, "nobody looks into it");
        assert_eq!(put(json!({"priority": 3}), Some(&old)).unwrap_err(), 400_402);
    }
}
