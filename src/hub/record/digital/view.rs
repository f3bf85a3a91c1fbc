//! A record as a digital twin.

use serde_json::{Value, json};

use super::{
    super::{
        Corrupt, Record,
        half::{Tree, UPDATED, UPDATED_VERSION},
    },
    MARKER, component,
};
use crate::twin::Map;

/// The members of an acknowledgement (protocol reference 15.1) besides the value, and what each is called here.
const ACK: [(&str, &str); 3] = [("ac", "ackCode"), ("av", "ackVersion"), ("ad", "ackDescription")];

/// One side of the properties, or of a component: values and their metadata.
#[derive(Clone, Copy)]
struct Side<'a> {
    values: &'a Map,
    metadata: Option<&'a Map>,
}

/// The digital twin as JSON text (protocol reference 10).
pub(crate) fn digital_view(record: &Record) -> Result<String, Corrupt> {
    let (desired, reported) = (record.desired.tree()?, record.reported.tree()?);
    let (mut twin, mut metadata) = (Map::new(), Map::new());
    twin.insert("$dtId".to_owned(), record.link.device.as_str().into());
    metadata.insert("$model".to_owned(), (*record.model_id).into());
    let (desired, reported) = (Side::of(&desired), Side::of(&reported));
    for name in names(desired, reported) {
        let inner = |side: Side<'_>| side.values.get(name).is_some_and(|value| component(value).is_some());
        if inner(desired) || inner(reported) {
            twin.insert(name.clone(), part(desired.below(name), reported.below(name)));
        } else {
            property(name, desired, reported, &mut twin, &mut metadata);
        }
    }
    twin.insert("$metadata".to_owned(), metadata.into());
    Ok(Value::Object(twin).to_string())
}

/// A component, which either side may lack.
fn part(desired: Option<Side<'_>>, reported: Option<Side<'_>>) -> Value {
    let none = Map::new();
    let nothing = Side { values: &none, metadata: None };
    let (desired, reported) = (desired.unwrap_or(nothing), reported.unwrap_or(nothing));
    let (mut members, mut metadata) = (Map::new(), Map::new());
    for name in names(desired, reported).filter(|name| *name != MARKER) {
        property(name, desired, reported, &mut members, &mut metadata);
    }
    members.insert("$metadata".to_owned(), metadata.into());
    members.into()
}

/// The names of both sides, each once.
fn names<'a>(desired: Side<'a>, reported: Side<'a>) -> impl Iterator<Item = &'a String> {
    let only_desired = desired.values.keys().filter(move |name| !reported.values.contains_key(*name));
    reported.values.keys().chain(only_desired)
}

/// A property: the value that the device reports, and what is known of it.
fn property(name: &str, desired: Side<'_>, reported: Side<'_>, values: &mut Map, metadata: &mut Map) {
    let mut about = Map::new();
    let mut tell = |member: &str, value: Option<&Value>| {
        if let Some(value) = value {
            about.insert(member.to_owned(), value.clone());
        }
    };
    if let Some(wanted) = desired.values.get(name) {
        tell("desiredValue", Some(wanted));
        tell("desiredVersion", desired.stamp(name, UPDATED_VERSION));
        tell("lastUpdateTime", desired.stamp(name, UPDATED));
    }
    if let Some(value) = reported.values.get(name) {
        tell("lastUpdateTime", reported.stamp(name, UPDATED));
        let ack = acknowledgement(value);
        for (member, called) in ACK {
            tell(called, ack.and_then(|ack| ack.get(member)));
        }
        if let Some(value) = ack.map_or(Some(value), |ack| ack.get("value")) {
            values.insert(name.to_owned(), value.clone());
        }
    }
    metadata.insert(name.to_owned(), json!(about));
}

/// The members of an acknowledgement, if the value is one.
fn acknowledgement(value: &Value) -> Option<&Map> {
    let members = value.as_object()?;
    let known = |name: &String| name == "value" || ACK.iter().any(|(member, _)| member == name);
    let whole = members.contains_key("ac") && members.contains_key("av");
    (whole && members.keys().all(known)).then_some(members)
}

impl<'a> Side<'a> {
    fn of(tree: &'a Tree) -> Self {
        Self { values: &tree.values, metadata: Some(&tree.metadata) }
    }

    /// What is below a member, if that is an object.
    fn below(self, name: &str) -> Option<Self> {
        let values = self.values.get(name)?.as_object()?;
        Some(Self { values, metadata: self.node(name) })
    }

    fn node(self, name: &str) -> Option<&'a Map> {
        self.metadata?.get(name)?.as_object()
    }

    /// What the metadata says of a member.
    fn stamp(self, name: &str, stamp: &str) -> Option<&'a Value> {
        self.node(name)?.get(stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Mode, TwinWrite, laws::record, parse_report};
    use super::*;

    fn view(desired: &Value, reported: &Value) -> Value {
        let mut record = record();
        record.model_id = "dtmi:a:b;1".into();
        let body = json!({"properties": {"desired": desired}}).to_string();
        TwinWrite::parse(body.as_bytes(), Mode::Merge).unwrap().apply(&mut record, "T1").unwrap();
        record.report(&parse_report(reported.to_string().as_bytes()).unwrap(), None, "T2").unwrap();
        serde_json::from_str(&digital_view(&record).unwrap()).unwrap()
    }

    #[test]
    fn acknowledged_properties_and_components_have_the_shape_of_the_protocol() {
        let desired = json!({"target": 21.5, "later": 1, "thermo": {"__t": "c", "target": 22}});
        let reported = json!({"serial": "s1", "fw": {"a": 1},
            "target": {"value": 20, "ac": 200, "av": 2, "ad": "done"},
            "thermo": {"__t": "c", "max": 25, "target": {"value": 22, "ac": 202, "av": 2}}});
        let told = |value: Value| json!({"desiredValue": value, "desiredVersion": 2});
        let mut target = told(json!(21.5));
        let acks = json!({"ackCode": 200, "ackVersion": 2, "ackDescription": "done", "lastUpdateTime": "T2"});
        crate::twin::merge(target.as_object_mut().unwrap(), acks.as_object().unwrap());
        let mut inner = told(json!(22));
        let acks = json!({"ackCode": 202, "ackVersion": 2, "lastUpdateTime": "T2"});
        crate::twin::merge(inner.as_object_mut().unwrap(), acks.as_object().unwrap());
        let seen = json!({"lastUpdateTime": "T2"});
        let expected = json!({"$dtId": "d1", "serial": "s1", "fw": {"a": 1}, "target": 20,
            "thermo": {"max": 25, "target": 22, "$metadata": {"max": seen, "target": inner}},
            "$metadata": {"$model": "dtmi:a:b;1", "serial": seen, "fw": seen, "target": target,
                "later": {"desiredValue": 1, "desiredVersion": 2, "lastUpdateTime": "T1"}}});
        assert_eq!(view(&desired, &reported), expected);
    }

    #[test]
    fn what_only_looks_like_an_acknowledgement_stays_as_it_is() {
        let reported =
            json!({"a": {"value": 1}, "b": {"ac": 200, "av": 1, "value": 1, "more": 2}, "c": {"ac": 400, "av": 3}});
        let twin = view(&json!({}), &reported);
        assert_eq!((&twin["a"], &twin["b"]), (&reported["a"], &reported["b"]));
        assert_eq!((twin.get("c"), &twin["$metadata"]["c"]["ackCode"]), (None, &json!(400)));
    }
}
