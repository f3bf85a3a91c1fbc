//! Components as interfaces of the Digital Twins Definition Language, so that the tools of Azure know them.
//!
//! Only components that answer by IoT Plug and Play have one. The rules are those of the language's reference, versions
//! 2 and 3; what a version cannot say is left out, and the interface's `comment` names it.

mod schema;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use super::{ComponentSchema, Convention, Registry, artifact::ID};
use schema::Writer;

/// Longest `comment` and `description`, in characters.
const LONGEST_TEXT: usize = 512;
/// Longest `displayName`, in characters.
const LONGEST_NAME: usize = 64;
/// Longest `@id` of an interface, in characters.
const LONGEST_ID: usize = 128;

/// A version of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Version 2: no lists in properties.
    V2,
    /// Version 3.
    V3,
}

/// Why a component has no interface.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DtdlError {
    /// It answers in another way.
    #[error("`{name}` answers by `{convention}`; an interface describes components that answer by `pnp`")]
    Convention {
        /// The component.
        name: String,
        /// How it answers.
        convention: Convention,
    },
    /// Its name makes an identifier that is too long.
    #[error(
        "the interface of `{0}` would have an identifier of more than {LONGEST_ID} characters; give its schema an `$id` such as `dtmi:com:example:pump;1`"
    )]
    Id(String),
}

impl Version {
    const fn context(self) -> &'static str {
        match self {
            Self::V2 => "dtmi:dtdl:context;2",
            Self::V3 => "dtmi:dtdl:context;3",
        }
    }
}

/// The interface of one component.
///
/// # Errors
/// When the component has none.
pub fn interface(component: &ComponentSchema, version: Version) -> Result<Value, DtdlError> {
    if component.convention != Convention::Pnp {
        return Err(DtdlError::Convention { name: component.name.clone(), convention: component.convention });
    }
    let id = id(component)?;
    let mut writer = Writer::new(version, &component.schema);
    let mut interface = head(version, &id, &component.name);
    match entries(&component.schema) {
        Some(entry) => named_by_the_fleet(&mut interface, &mut writer, &id, entry),
        None => interface["contents"] = properties(&mut writer, &component.schema).into(),
    }
    if let Some(words) = component.schema.get("description").and_then(Value::as_str) {
        interface["description"] = cut(words, LONGEST_TEXT).into();
    }
    let mut comment: Vec<String> =
        interface.get("comment").and_then(Value::as_str).map(str::to_owned).into_iter().collect();
    if !writer.left.is_empty() {
        comment.push(format!("Not told here: {}.", writer.left.join(", ")));
    }
    if !comment.is_empty() {
        interface["comment"] = cut(&comment.join(" "), LONGEST_TEXT).into();
    }
    Ok(interface)
}

/// A device with every component that has an interface, and those interfaces: a model that is complete.
///
/// # Errors
/// When a component has no identifier.
pub fn model(registry: &Registry, version: Version) -> Result<Value, DtdlError> {
    let mut device = head(version, "dtmi:twinops:device;1", "device");
    device["description"] = "A device that the twinops agent manages.".into();
    let (mut contents, mut interfaces) = (Vec::new(), Vec::new());
    let known =
        registry.iter().filter(|component| component.convention == Convention::Pnp && component.claim.is_none());
    for component in known {
        let interface = interface(component, version)?;
        // One that lies deeper is no component by the language's own rules.
        if schema::is_name(&component.path, version) {
            contents.push(json!({ "@type": "Component", "name": component.path, "schema": interface["@id"] }));
        }
        interfaces.push(interface);
    }
    device["contents"] = contents.into();
    interfaces.insert(0, device);
    Ok(interfaces.into())
}

fn head(version: Version, id: &str, name: &str) -> Value {
    json!({
        "@context": version.context(),
        "@id": id,
        "@type": "Interface",
        "displayName": cut(name, LONGEST_NAME),
    })
}

/// `dtmi:twinops:time;1`; the `$id` of a schema that has such an identifier.
fn id(component: &ComponentSchema) -> Result<String, DtdlError> {
    let own = component.schema.get("$id").and_then(Value::as_str);
    let id = match own {
        Some(given) if given.starts_with("dtmi:") => given.to_owned(),
        _ => component.keys().fold("dtmi:twinops".to_owned(), |id, key| id + ":" + &schema::name(key)) + ";1",
    };
    if id.chars().count() > LONGEST_ID { Err(DtdlError::Id(component.name.clone())) } else { Ok(id) }
}

/// What every member of a component looks like whose members are named by the fleet.
fn entries(schema: &Value) -> Option<&Value> {
    let members = schema.get("properties").and_then(Value::as_object);
    let is_open = members.is_none_or(Map::is_empty);
    schema.get("additionalProperties").filter(|entry| is_open && entry.is_object())
}

/// No interface can tell names that a fleet chooses: it has what they look like as a schema.
fn named_by_the_fleet(interface: &mut Value, writer: &mut Writer<'_>, id: &str, entry: &Value) {
    interface["comment"] = format!("Its properties are named by the fleet ({ID}); each is writable.").into();
    if let Some(Value::Object(mut entry)) = writer.schema(entry, "*", 1) {
        let (base, version) = id.rsplit_once(';').unwrap_or((id, "1"));
        entry.insert("@id".to_owned(), format!("{base}:entry;{version}").into());
        interface["comment"] = format!(
            "Its properties are named by the fleet ({ID}); each is writable and of the schema {base}:entry;{version}."
        )
        .into();
        interface["schemas"] = json!([entry]);
    }
}

/// The members of a component: writable unless it, or they, are only reported.
fn properties(writer: &mut Writer<'_>, component: &Value) -> Vec<Value> {
    let only_reported = |schema: &Value| schema.get("readOnly") == Some(&Value::Bool(true));
    let members = component.get("properties").and_then(Value::as_object).into_iter().flatten();
    let mut properties = Vec::new();
    for (name, schema) in members {
        let Some(told) = writer.named(name, schema, 1) else { continue };
        let mut property = json!({ "@type": "Property" });
        if let Value::Object(members) = &mut property {
            members.extend(told);
        }
        property["writable"] = (!only_reported(component) && !only_reported(schema)).into();
        properties.push(property);
    }
    properties
}

/// The beginning of a text, no longer than allowed.
fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest - 1).chain(['…']).collect()
}
