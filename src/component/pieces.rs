//! A section of a twin taken apart into the components that describe it.

use std::sync::Arc;

use serde_json::Value;

use super::{ComponentSchema, Convention, Registry, pnp};
use crate::twin::Map;

/// Where the DM client keeps its components, those that no schema describes included.
const DM_CLIENT: &str = "windows";

/// One component of a section, or a member that no schema describes.
#[derive(Debug, Clone)]
pub struct Piece<'a> {
    /// The keys that lead to it below the section.
    pub keys: Vec<Arc<str>>,
    /// What the section holds there.
    pub value: &'a Value,
    /// The component.
    pub schema: Option<&'a ComponentSchema>,
}

impl Piece<'_> {
    /// How devices answer it.
    pub fn convention(&self) -> Convention {
        match self.schema {
            Some(schema) => schema.convention,
            None if self.keys.len() > 1 && self.keys.first().is_some_and(|key| **key == *DM_CLIENT) => Convention::Dm1,
            None if self.value.get(pnp::MARKER).is_some() => Convention::Pnp,
            None => Convention::Echo,
        }
    }
}

impl Registry {
    /// The components of a section, and what is left, in order of their keys.
    pub fn pieces<'a>(&'a self, section: &'a Map) -> Vec<Piece<'a>> {
        section.iter().flat_map(|(key, value)| self.pieces_of(key, value)).collect()
    }

    /// The same for one member of a section.
    pub fn pieces_of<'a>(&'a self, key: &str, value: &'a Value) -> Vec<Piece<'a>> {
        let mut pieces = Vec::new();
        self.take_apart(vec![key.into()], value, &mut pieces);
        pieces
    }

    fn take_apart<'a>(&'a self, keys: Vec<Arc<str>>, value: &'a Value, pieces: &mut Vec<Piece<'a>>) {
        let path = keys.join(".");
        let schema = self.describing(&path, value);
        match value {
            Value::Object(members) if schema.is_none() && self.leads_on(&path) => {
                for (key, value) in members {
                    self.take_apart(keys.iter().cloned().chain([key.as_str().into()]).collect(), value, pieces);
                }
            }
            _ => pieces.push(Piece { keys, value, schema }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(section: Value) -> Vec<String> {
        let Value::Object(section) = section else { panic!("an object") };
        let own = ComponentSchema::new("acme.sign", json!({}), Convention::Pnp);
        let registry: Registry = Registry::builtin().iter().cloned().chain([own]).collect();
        let tell = |piece: Piece<'_>| format!("{} {}", piece.keys.join("."), piece.convention());
        registry.pieces(&section).into_iter().map(tell).collect()
    }

    #[test]
    fn components_below_a_common_key_are_told_apart() {
        let section = json!({"time": {}, "acme": {"sign": {}, "x": 1}, "windows": {"timeInfo": {}, "unheardOf": {}}});
        let all = ["acme.sign pnp", "acme.x echo", "time pnp", "windows.timeInfo dm1", "windows.unheardOf dm1"];
        assert_eq!(told(section), all);
    }

    #[test]
    fn what_no_schema_describes_goes_by_its_marker() {
        assert_eq!(told(json!({"pump": {"__t": "c"}, "valve": {}})), ["pump pnp", "valve echo"]);
        assert_eq!(told(json!({"windows": 5})), ["windows echo"]);
    }
}
