//! What a component asks of the devices that are to have it, as its schema says.

use std::{cmp::Ordering, fmt, sync::Arc};

use serde_json::Value;

use crate::component::{ComponentSchema, Convention};

/// The keyword that names the version of the component which first knew a member.
const SINCE: &str = "x-twinops-since";
/// The keyword that lists the models which have the component.
const MODELS: &str = "x-twinops-models";
/// Deepest member that is looked for; schemas may refer to themselves.
const DEPTH: usize = 10;

/// A component, and which devices understand it.
#[derive(Debug)]
pub(super) struct Requirement {
    pub(super) name: String,
    /// The keys that lead to it below `desired`.
    pub(super) keys: Vec<Arc<str>>,
    /// Its devices answer by IoT Plug and Play, and list their components.
    pub(super) is_pnp: bool,
    /// Models that have it; empty: any.
    pub(super) models: Vec<Model>,
    /// Members that came later than the component.
    pub(super) since: Vec<(Vec<Arc<str>>, Version)>,
}

/// A version, `major.minor.patch` or the beginning of one.
#[derive(Debug, Clone)]
pub(super) struct Version(Vec<u64>);

/// The id of a model, `dtmi:contoso:kiosk;2` (protocol reference 15.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Model {
    family: Box<str>,
    version: u64,
}

impl Requirement {
    pub(super) fn of(component: &ComponentSchema) -> Self {
        let schema = &component.schema;
        let mut since = Vec::new();
        members(schema, schema, &mut Vec::new(), &mut since);
        let models = schema.get(MODELS).and_then(Value::as_array).into_iter().flatten();
        Self {
            name: component.name.clone(),
            keys: component.keys().map(Arc::from).collect(),
            is_pnp: component.convention == Convention::Pnp,
            models: models.filter_map(|model| Model::read(model.as_str()?)).collect(),
            since,
        }
    }
}

/// Collects the members of a schema that came later, those of inner objects included.
fn members(root: &Value, schema: &Value, way: &mut Vec<Arc<str>>, since: &mut Vec<(Vec<Arc<str>>, Version)>) {
    if way.len() >= DEPTH {
        return;
    }
    let Some(properties) = target(root, schema).get("properties").and_then(Value::as_object) else { return };
    for (name, member) in properties {
        way.push(name.as_str().into());
        let said = [member, target(root, member)].into_iter().find_map(|schema| schema.get(SINCE)?.as_str());
        since.extend(said.and_then(Version::read).map(|version| (way.clone(), version)));
        members(root, member, way, since);
        way.pop();
    }
}

/// What a schema refers to inside the same file; others stand for themselves.
fn target<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let pointer = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

impl Version {
    pub(super) fn read(text: &str) -> Option<Self> {
        text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>().map(Self)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(u64::to_string).collect::<Vec<_>>().join("."))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Version {
    /// `1.2` and `1.2.0` are equal, though not the same text.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let part = |version: &Self, at: usize| version.0.get(at).copied().unwrap_or_default();
        let parts = 0..self.0.len().max(other.0.len());
        Some(parts.map(|at| part(self, at).cmp(&part(other, at))).find(|o| o.is_ne()).unwrap_or(Ordering::Equal))
    }
}

impl Model {
    pub(super) fn read(text: &str) -> Option<Self> {
        let (family, version) = text.rsplit_once(';')?;
        // A minor version behind a dot changes nothing for those that know the major one.
        let major = version.split('.').next()?;
        Some(Self { family: family.into(), version: major.parse().ok()? })
    }

    /// Whether a device that announces `other` has what this model has.
    pub(super) fn is_had_by(&self, other: &Self) -> bool {
        self.family == other.family && self.version <= other.version
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn versions_compare_by_number_and_not_by_letter() {
        let version = |text| Version::read(text).unwrap();
        assert!(version("1.9") < version("1.10.0") && version("2") > version("1.99.99"));
        assert_eq!(version("1.2"), version("1.2.0"));
        assert!(Version::read("1.x").is_none() && Version::read("").is_none());
    }

    #[test]
    fn a_later_version_of_a_model_has_what_an_earlier_one_had() {
        let model = |text| Model::read(text).unwrap();
        assert!(model("dtmi:a:b;2").is_had_by(&model("dtmi:a:b;3.1")));
        assert!(!model("dtmi:a:b;2").is_had_by(&model("dtmi:a:b;1")));
        assert!(!model("dtmi:a:b;1").is_had_by(&model("dtmi:a:c;1")));
        assert!(Model::read("kiosk").is_none());
    }

    #[test]
    fn members_are_found_below_others_and_behind_references() {
        let schema = json!({"$defs": {"d": {"properties": {"x": {"x-twinops-since": "1.3"}, "again": {"$ref": "#/$defs/d"}}}},
            "properties": {"a": {"x-twinops-since": "1.1"}, "b": {"$ref": "#/$defs/d"}}});
        let requirement = Requirement::of(&ComponentSchema::new("n.m", schema, Convention::Pnp));
        let found: Vec<String> = requirement.since.iter().map(|(way, _)| way.join(".")).collect();
        assert_eq!(found[..2], ["a", "b.again.again.again.again.again.again.again.again.x"]);
        assert_eq!((found.len(), requirement.keys.len()), (10, 2));
    }
}
