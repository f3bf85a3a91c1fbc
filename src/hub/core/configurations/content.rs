//! A configuration's content (protocol reference 8.1): which values, and where.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use crate::{
    hub::failure::Failure,
    iothub::ErrorCode,
    twin::{self, DeviceId, Map, PropertyPath, Section, limits},
};

/// The module that every deployment speaks of.
pub(super) const EDGE_AGENT: &str = "$edgeAgent";

/// A value for one path of the desired properties.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Claim {
    /// The keys, outermost first; none for all desired properties.
    pub(super) path: Vec<Box<str>>,
    pub(super) value: Value,
}

/// What is to be written to one twin, shorter paths first.
pub(super) type Claims = Vec<Claim>;

/// What is to be written, and to whom.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Device(Claims),
    Module(Claims),
    /// To modules of a gateway, by their names.
    Edge(BTreeMap<Arc<str>, Claims>),
}

/// The three kinds, as they are called.
const KINDS: [&str; 3] = ["deviceContent", "moduleContent", "modulesContent"];

/// The one member of a content that is to be kept.
pub(super) fn only_kind(mut content: Map) -> Result<Map, Failure> {
    content.retain(|kind, value| KINDS.contains(&kind.as_str()) && !value.is_null());
    if content.len() == 1 {
        return Ok(content);
    }
    Err(invalid(format!("content has exactly one of {}; this one has {}", KINDS.join(", "), content.len())))
}

impl Content {
    /// Reads what [`only_kind`] gave, and checks every rule.
    pub(super) fn parse(content: &Map) -> Result<Self, Failure> {
        let (kind, value) = content.iter().next().ok_or_else(|| invalid("content is empty"))?;
        match (kind.as_str(), value) {
            ("deviceContent", _) => claims(kind, value).map(Self::Device),
            ("moduleContent", _) => claims(kind, value).map(Self::Module),
            (_, Value::Object(modules)) => edge(modules),
            _ => Err(invalid("modulesContent is an object of modules by name")),
        }
    }
}

fn edge(modules: &Map) -> Result<Content, Failure> {
    if !modules.contains_key(EDGE_AGENT) {
        return Err(invalid(format!("modulesContent needs a member {EDGE_AGENT}")));
    }
    let module = |(name, value): (&String, &Value)| {
        DeviceId::new(name).map_err(|_| invalid(format!("`{name}` is no name for a module")))?;
        Ok((Arc::from(name.as_str()), claims(name, value)?))
    };
    modules.iter().map(module).collect::<Result<_, _>>().map(Content::Edge)
}

fn claims(of: &str, value: &Value) -> Result<Claims, Failure> {
    let Value::Object(members) = value else {
        return Err(invalid(format!("{of} is an object of values by `properties.desired` path")));
    };
    let claims = members.iter().map(|(key, value)| claim(of, key, value)).collect::<Result<Claims, _>>()?;
    let violations = limits::check(Section::Desired, &tree(&claims));
    match violations.first() {
        None => Ok(claims),
        Some(found) => Err(invalid(format!("{of}: {}: {}", found.path, found.message))),
    }
}

fn claim(of: &str, key: &str, value: &Value) -> Result<Claim, Failure> {
    let path = key.parse::<PropertyPath>().ok().filter(|path| path.section == Section::Desired);
    let path = path.filter(|path| path.keys.iter().all(|key| !key.is_empty())).ok_or_else(|| {
        invalid(format!(
            "{of}: `{key}` is not `properties.desired` or a path below it; a configuration writes no other"
        ))
    })?;
    if path.keys.is_empty() && !value.is_object() {
        return Err(invalid(format!("{of}: `{key}` is an object")));
    }
    Ok(Claim { path: path.keys.iter().map(|key| Box::from(&**key)).collect(), value: value.clone() })
}

/// All values together, as a twin would hold them.
pub(super) fn tree(claims: &Claims) -> Map {
    let mut tree = Map::new();
    for Claim { path, value } in claims {
        let wrap = |value, key: &str| Value::Object(Map::from_iter([(key.to_owned(), value)]));
        if let Value::Object(patch) = path.iter().map(AsRef::as_ref).rev().fold(value.clone(), wrap) {
            twin::merge(&mut tree, &patch);
        }
    }
    tree
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::InvalidConfigurationContent, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(content: &Value) -> Result<Content, Failure> {
        Content::parse(&only_kind(content.as_object().unwrap().clone())?)
    }

    #[test]
    fn paths_are_taken_apart_and_shorter_ones_come_first() {
        let content =
            json!({"deviceContent": {"properties.desired.a.b": 2, "properties.desired": {"a": {"b": 1, "c": 1}}}});
        let Content::Device(claims) = parse(&content).unwrap() else { panic!("for devices") };
        assert_eq!(claims[1], Claim { path: vec!["a".into(), "b".into()], value: json!(2) });
        assert_eq!(Value::Object(tree(&claims)), json!({"a": {"b": 2, "c": 1}}));
    }

    #[test]
    fn a_content_that_no_twin_could_take_is_refused() {
        for content in [
            json!({"deviceContent": {"properties.reported.a": 1}}),
            json!({"deviceContent": {"tags": {}}}),
            json!({"deviceContent": {"properties.desiredx": 1}}),
            json!({"deviceContent": {"properties.desired.": 1}}),
            json!({"deviceContent": {"properties.desired": 1}}),
            json!({"deviceContent": {"properties.desired.$version": 1}}),
            json!({"deviceContent": {"properties.desired.a": {"b c": 1}}}),
            json!({"deviceContent": {"properties.desired.a": "x".repeat(4097)}}),
            json!({"deviceContent": {"properties.desired.a": [null]}}),
            json!({"deviceContent": []}),
            json!({"modulesContent": {"m": {"properties.desired": {}}}}),
            json!({"modulesContent": {"$edgeAgent": {"properties.desired": {}}, "a/b": {}}}),
            json!({"modulesContent": {"$edgeAgent": {"a": {}}}}),
            json!({"modulesContent": 1}),
        ] {
            assert_eq!(parse(&content).unwrap_err().code, ErrorCode::InvalidConfigurationContent, "{content}");
        }
        let edge = json!({"modulesContent": {"$edgeAgent": {"properties.desired.modules.m": {}}, "m": {}}});
        assert!(matches!(parse(&edge), Ok(Content::Edge(modules)) if modules.len() == 2));
    }
}
