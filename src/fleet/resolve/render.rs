//! A document's section with every `${…}` filled in.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use serde_json::Value;

use super::template::{self, Fault, Piece, Reference, Scope};
use crate::{fleet::yaml::escape, twin::Map};

/// The keys that lead to a value, outermost first.
pub(super) type Way = Vec<Arc<str>>;

/// A section filled in.
pub(super) struct Rendered<'a> {
    pub(super) values: Cow<'a, Map>,
    /// Ways to values that hold a secret; for one inside an array, the way to the array.
    pub(super) secrets: Vec<Way>,
    /// What could not be filled in, and the JSON pointer to it.
    pub(super) faults: Vec<(String, Fault)>,
}

/// Fills in every text of a section; without references the section is borrowed as it is.
pub(super) fn render<'a>(section: &'a Map, scope: &Scope<'_>) -> Rendered<'a> {
    if !has_references(section) {
        return Rendered { values: Cow::Borrowed(section), secrets: Vec::new(), faults: Vec::new() };
    }
    let mut renderer =
        Renderer { scope, way: Vec::new(), pointer: Vec::new(), secrets: Vec::new(), faults: Vec::new() };
    let values = renderer.members(section);
    Rendered { values: Cow::Owned(values), secrets: renderer.secrets, faults: renderer.faults }
}

struct Renderer<'a, 's> {
    scope: &'a Scope<'s>,
    way: Way,
    pointer: Vec<String>,
    secrets: Vec<Way>,
    faults: Vec<(String, Fault)>,
}

impl Renderer<'_, '_> {
    fn members(&mut self, members: &Map) -> Map {
        let mut out = Map::new();
        for (key, value) in members {
            self.way.push(key.as_str().into());
            self.pointer.push(escape(key));
            out.insert(key.clone(), self.value(value));
            self.pointer.pop();
            self.way.pop();
        }
        out
    }

    fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::Object(members) => Value::Object(self.members(members)),
            Value::Array(items) => self.items(items),
            Value::String(text) if text.contains("${") => self.text(text),
            _ => value.clone(),
        }
    }

    /// Members of objects inside an array have no way of their own: the array is one value.
    fn items(&mut self, items: &[Value]) -> Value {
        let way = self.way.clone();
        let item = |(at, item): (usize, &Value)| {
            self.pointer.push(at.to_string());
            let item = self.value(item);
            self.pointer.pop();
            item
        };
        let items = items.iter().enumerate().map(item).collect();
        for secret in self.secrets.iter_mut().filter(|secret| secret.len() > way.len() && secret.starts_with(&way)) {
            secret.truncate(way.len());
        }
        self.secrets.dedup();
        Value::Array(items)
    }

    fn text(&mut self, text: &str) -> Value {
        match template::fill(text, self.scope) {
            Ok(filled) => {
                if filled.secret {
                    self.secrets.push(self.way.clone());
                }
                filled.value
            }
            Err(fault) => {
                let pointer = self.pointer.iter().fold(String::new(), |pointer, step| pointer + "/" + step);
                self.faults.push((pointer, fault));
                // What was there when it could be filled in is as secret as ever.
                if text.contains("${secret.") {
                    self.secrets.push(self.way.clone());
                }
                // Something stands here, whatever it is: a null would say that nothing does.
                Value::String(text.to_owned())
            }
        }
    }
}

/// Whether any text of the section refers to something.
pub(super) fn has_references(section: &Map) -> bool {
    fn within(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains("${"),
            Value::Array(items) => items.iter().any(within),
            Value::Object(members) => members.values().any(within),
            _ => false,
        }
    }
    section.values().any(within)
}

/// What a document's texts refer to: these, and nothing else of a device, decide what the document says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Uses {
    pub(super) device_id: bool,
    pub(super) tags: BTreeSet<Box<str>>,
    pub(super) vars: BTreeSet<Box<str>>,
}

impl Uses {
    pub(super) fn of(section: &Map) -> Self {
        let mut uses = Self::default();
        section.values().for_each(|value| uses.collect(value));
        uses
    }

    fn collect(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            Value::Object(members) => members.values().for_each(|member| self.collect(member)),
            Value::String(text) if text.contains("${") => {
                template::pieces(text).unwrap_or_default().into_iter().for_each(|piece| self.piece(piece));
            }
            _ => {}
        }
    }

    fn piece(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Reference(Reference::DeviceId) => self.device_id = true,
            Piece::Reference(Reference::Tag(path)) => _ = self.tags.insert(path.into()),
            Piece::Reference(Reference::Var(path)) => _ = self.vars.insert(path.into()),
            Piece::Reference(Reference::Secret(_)) | Piece::Text(_) => {}
        }
    }
}
