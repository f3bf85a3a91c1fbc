//! Every component that a fleet knows: those of this crate, and its own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    claim::Claim,
    convention::{Convention, KEYWORD, UnknownConvention},
    device_agent, partial, sensitive, suggest,
};

/// Where a fleet keeps schemas of its own: `components/NAME.schema.json`.
const FOLDER: &str = "components/";
const ENDING: &str = ".schema.json";
/// What the names of the Device Agent's components begin with where their path is taken.
const DEVICE_AGENT: &str = "deviceAgent";

/// The schema of a component and how its status is told.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentSchema {
    /// Its name; its path, unless another component has that: `time`, `windows.timeInfo`, `deviceAgent.certificates`.
    pub name: String,
    /// Its path below `desired` and `reported`, parts joined by dots.
    pub path: String,
    /// By what it is told from the component whose name is that path.
    pub claim: Option<Claim>,
    /// The JSON Schema that the merged component of a device satisfies.
    pub schema: Value,
    /// The JSON Schema of a part, as one document writes it: nothing is demanded, `null` and `${…}` pass anywhere.
    pub partial: Value,
    /// How devices answer.
    pub convention: Convention,
    /// Whether it marks values as secret.
    pub sensitive: bool,
}

/// The components by name.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    components: BTreeMap<String, ComponentSchema>,
    /// Paths that two components share, with the name of the one that makes a claim.
    claims: BTreeMap<String, String>,
}

/// Why a schema of the fleet's own is not taken.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// It is no JSON.
    #[error("a component's schema is no JSON")]
    Json {
        /// The file.
        file: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// It is JSON, and no object.
    #[error("a component's schema is a JSON object; this is not one")]
    NoObject {
        /// The file.
        file: String,
    },
    /// It is called something that no component can be called.
    #[error("`{name}` cannot be the name of a component; write components/NAME.schema.json, parts joined by dots")]
    Name {
        /// The file.
        file: String,
        /// The name at fault.
        name: String,
    },
    /// Its status convention is none.
    #[error("`x-twinops-status` names no convention")]
    Convention {
        /// The file.
        file: String,
        /// What it names.
        #[source]
        source: UnknownConvention,
    },
    /// This crate has a component of that name.
    #[error("`{name}` is a component of twinops itself; give yours another name")]
    Taken {
        /// The file.
        file: String,
        /// The name.
        name: String,
    },
}

impl SchemaError {
    /// The file at fault, relative to the fleet's root.
    pub fn file(&self) -> &str {
        match self {
            Self::Json { file, .. }
            | Self::NoObject { file }
            | Self::Name { file, .. }
            | Self::Convention { file, .. }
            | Self::Taken { file, .. } => file,
        }
    }
}

impl ComponentSchema {
    /// A component with this schema; its part follows from it.
    pub fn new(name: impl Into<String>, schema: Value, convention: Convention) -> Self {
        Self::at(name.into(), None, schema, convention)
    }

    /// The component that a value is meant for which has the path of another component and bears out this claim.
    pub(super) fn beside(path: &str, claim: Claim, schema: Value) -> Self {
        let other = Self::at(path.to_owned(), Some(claim), schema, Convention::Dm2);
        Self { name: format!("{DEVICE_AGENT}.{path}"), ..other }
    }

    fn at(path: String, claim: Option<Claim>, mut schema: Value, convention: Convention) -> Self {
        if convention == Convention::Dm2 {
            device_agent::forbid(&mut schema);
        }
        let partial = partial::partial(&schema);
        let sensitive = sensitive::marks(&schema);
        Self { name: path.clone(), path, claim, schema, partial, convention, sensitive }
    }

    /// The keys that lead to it below `desired` and `reported`.
    pub fn keys(&self) -> impl Iterator<Item = &str> + Clone {
        self.path.split('.')
    }
}

impl Registry {
    /// The components of this crate.
    pub fn builtin() -> Self {
        super::builtin::components().into_iter().collect()
    }

    /// These, and the fleet's own from `components/NAME.schema.json`, given as path and text.
    ///
    /// # Errors
    /// Every file that is not taken, with the reason.
    pub fn with_fleet_components<P: AsRef<str>, T: AsRef<str>>(
        mut self,
        files: &[(P, T)],
    ) -> Result<Self, Vec<SchemaError>> {
        let mut errors = Vec::new();
        for (path, text) in files {
            match read(path.as_ref(), text.as_ref()) {
                Ok(component) if self.components.contains_key(&component.name) => {
                    errors.push(SchemaError::Taken { file: path.as_ref().to_owned(), name: component.name });
                }
                Ok(component) => _ = self.components.insert(component.name.clone(), component),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }

    /// The component of this name.
    pub fn get(&self, name: &str) -> Option<&ComponentSchema> {
        self.components.get(name)
    }

    /// The component that describes this value at this path, parts joined by dots.
    pub fn describing(&self, path: &str, value: &Value) -> Option<&ComponentSchema> {
        self.beside(path).filter(|other| other.claim.is_some_and(|claim| claim.holds(value))).or_else(|| self.at(path))
    }

    /// The component at this path, the one that makes no claim.
    pub fn at(&self, path: &str) -> Option<&ComponentSchema> {
        self.components.get(path).filter(|component| component.claim.is_none())
    }

    /// The component that shares this path with another.
    fn beside(&self, path: &str) -> Option<&ComponentSchema> {
        self.claims.get(path).and_then(|name| self.components.get(name))
    }

    /// Whether there are components below that path: `windows` leads on to `windows.timeInfo`.
    pub fn leads_on(&self, path: &str) -> bool {
        let below = |known: &str| known.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
        self.iter().any(|component| below(&component.path))
    }

    /// The schema of a part at this path, whichever component is meant: for editors.
    pub fn partial(&self, path: &str) -> Option<Value> {
        let plain = |component: &ComponentSchema| {
            let mut part = component.partial.clone();
            part.as_object_mut().map(|part| part.remove("$schema"));
            part
        };
        let own = self.at(path).map(plain)?;
        let Some((other, claim)) = self.beside(path).and_then(|other| Some((plain(other), other.claim?))) else {
            return Some(own);
        };
        Some(json!({ "if": claim.schema(), "then": other, "else": own }))
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.components.keys().map(String::as_str)
    }

    /// All components, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &ComponentSchema> {
        self.components.values()
    }

    /// All paths, sorted; one that two components share is there once.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.iter().filter(|component| component.claim.is_none()).map(|component| &*component.path)
    }

    /// The component whose path is nearest to a wrong one.
    pub fn nearest(&self, path: &str) -> Option<&str> {
        suggest::nearest(path, self.paths())
    }
}

impl FromIterator<ComponentSchema> for Registry {
    fn from_iter<I: IntoIterator<Item = ComponentSchema>>(components: I) -> Self {
        let mut registry = Self::default();
        for component in components {
            if component.claim.is_some() {
                registry.claims.insert(component.path.clone(), component.name.clone());
            }
            registry.components.insert(component.name.clone(), component);
        }
        registry
    }
}

fn read(path: &str, text: &str) -> Result<ComponentSchema, SchemaError> {
    let file = || path.to_owned();
    let name = path.strip_prefix(FOLDER).and_then(|rest| rest.strip_suffix(ENDING)).unwrap_or(path);
    if !name.split('.').all(is_key) {
        return Err(SchemaError::Name { file: file(), name: name.to_owned() });
    }
    let mut schema: Value = serde_json::from_str(text).map_err(|source| SchemaError::Json { file: file(), source })?;
    let Value::Object(members) = &mut schema else { return Err(SchemaError::NoObject { file: file() }) };
    let convention = match members.get(KEYWORD) {
        None => Ok(Convention::default()),
        Some(Value::String(text)) => text.parse(),
        Some(other) => other.to_string().parse(),
    };
    let convention = convention.map_err(|source| SchemaError::Convention { file: file(), source })?;
    // References inside the schema stay within it wherever it is embedded.
    members.entry("$id").or_insert_with(|| format!("urn:twinops:component:{name}").into());
    Ok(ComponentSchema::new(name, schema, convention))
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(path: &str, text: &str) -> Result<Registry, String> {
        let registry = Registry::builtin().with_fleet_components(&[(path, text)]);
        registry.map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_fleets_own_component_is_echoed_unless_it_says_otherwise() {
        let plain = with("components/signage.schema.json", "{}").unwrap();
        assert_eq!(plain.get("signage").unwrap().convention, Convention::Echo);
        let pnp = with("components/signage.schema.json", r#"{"x-twinops-status": "pnp"}"#).unwrap();
        assert_eq!(pnp.get("signage").unwrap().convention, Convention::Pnp);
    }

    #[test]
    fn a_schema_that_cannot_be_meant_is_refused() {
        for (path, text) in [
            ("components/a b.schema.json", "{}"),
            ("components/.schema.json", "{}"),
            ("components/a.schema.json", "{"),
            ("components/a.schema.json", "[]"),
            ("components/a.schema.json", r#"{"x-twinops-status": "acme"}"#),
            ("components/a.schema.json", r#"{"x-twinops-status": 1}"#),
            ("components/windows.timeInfo.schema.json", "{}"),
        ] {
            assert!(with(path, text).is_err(), "{path} {text}");
        }
    }

    #[test]
    fn names_lead_on_to_the_components_below_them() {
        let named = |name: &str| ComponentSchema::new(name, json!({}), Convention::Echo);
        let registry: Registry = ["a", "b-c", "b.d.e"].map(named).into_iter().collect();
        let leads: Vec<_> = ["a", "b", "b.d", "b.d.e", "c", ""].into_iter().filter(|n| registry.leads_on(n)).collect();
        assert_eq!(leads, ["b", "b.d"]);
    }

    #[test]
    fn of_two_components_with_one_path_the_values_tell_which_is_meant() {
        let registry = Registry::builtin();
        let meant = |path: &str, value: Value| registry.describing(path, &value).unwrap().name.clone();
        assert_eq!(meant("certificates", json!({"plant-root": {}})), "certificates");
        assert_eq!(meant("certificates", json!({})), "certificates");
        assert_eq!(meant("certificates", json!({"certificateStore_My_User": {}})), "deviceAgent.certificates");
        assert_eq!(meant("deviceInfo", json!({})), "deviceAgent.deviceInfo");
        assert_eq!(meant("deviceInfo", json!({"__meta": {}})), "deviceAgent.deviceInfo");
        assert_eq!(meant("deviceInfo", json!({"model": "x"})), "deviceInfo");
        assert_eq!(registry.describing("deviceAgent.certificates", &json!({})), None);
    }

    #[test]
    fn a_wrong_name_finds_the_right_one() {
        assert_eq!(Registry::builtin().nearest("windows.timeinfo"), Some("windows.timeInfo"));
    }
}
