//! The JSON Schemas as files, for editors and for other tools.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::kind::{self, Kind};
use crate::component::Registry;

/// Every schema by its path: `fleet.schema.json` for any document (the one for editors), one for each kind below
/// `documents/`, one for each whole component below `components/`.
pub fn schema_files(registry: &Registry) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut add = |path: String, schema: &Value| {
        // Maps are sorted and the schemas plain JSON: the text is always the same, and there always is one.
        files.insert(path, format!("{schema:#}\n"));
    };
    add("fleet.schema.json".to_owned(), &with_components(kind::schema(), registry));
    for kind in Kind::ALL {
        let path = format!("documents/{}.schema.json", kind.name().to_lowercase());
        add(path, &with_components(kind.schema(), registry));
    }
    for component in registry.iter() {
        add(format!("components/{}.schema.json", component.name), &component.schema);
    }
    files
}

/// A document's schema that also knows what stands under `desired`, so that an editor completes it.
fn with_components(mut schema: Value, registry: &Registry) -> Value {
    let mut members = Map::new();
    for path in registry.paths() {
        let keys: Vec<&str> = path.split('.').collect();
        put(&mut members, &keys, registry.partial(path).unwrap_or_default());
    }
    for spec in ["ProfileSpec", "DeviceSpec"] {
        if let Some(Value::Object(desired)) = schema.pointer_mut(&format!("/$defs/{spec}/properties/desired")) {
            desired.insert("properties".to_owned(), Value::Object(members.clone()));
        }
    }
    schema
}

/// Puts a component's schema at its keys: `windows.timeInfo` below the properties of `windows`.
fn put(members: &mut Map<String, Value>, keys: &[&str], part: Value) {
    match keys {
        [] => {}
        [last] => _ = members.insert((*last).to_owned(), part),
        [first, rest @ ..] => {
            let group = members.entry(*first).or_insert_with(|| json!({"type": ["object", "null"], "properties": {}}));
            if let Some(Value::Object(below)) = group.get_mut("properties") {
                put(below, rest, part);
            }
        }
    }
}
