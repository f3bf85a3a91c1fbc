//! One half of a twin's properties: values, metadata, version.

use serde_json::{Value, json};

use crate::twin::{self, Map};

pub(super) const UPDATED: &str = "$lastUpdated";
pub(super) const UPDATED_VERSION: &str = "$lastUpdatedVersion";
/// What a configuration leaves at the nodes it writes (protocol reference 5.2); a direct write takes it away.
pub(super) const BY_CONFIGURATION: [&str; 2] = ["$lastUpdatedBy", "$lastUpdatedByDigest"];

/// What the store gave back is not what was put into it.
#[derive(Debug, thiserror::Error)]
#[error("a stored twin cannot be read; the store is damaged")]
pub(crate) struct Corrupt(#[source] pub(crate) serde_json::Error);

/// Desired or reported properties, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Half {
    /// A JSON object, without `$metadata` and `$version`.
    pub(crate) values: Box<str>,
    /// The `$metadata` tree (protocol reference 5.2).
    pub(crate) metadata: Box<str>,
    /// `$version`: 1 when fresh, one more with every accepted write.
    pub(crate) version: u64,
}

/// The same taken apart, to be changed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree {
    pub(super) values: Map,
    pub(super) metadata: Map,
}

/// When and with which `$version` something is written; reported properties carry no version.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp<'a> {
    pub(super) time: &'a str,
    pub(super) version: Option<u64>,
}

impl Half {
    /// Nothing yet.
    pub(super) fn fresh(time: &str) -> Self {
        Self { values: "{}".into(), metadata: json!({ UPDATED: time }).to_string().into(), version: 1 }
    }

    pub(super) fn tree(&self) -> Result<Tree, Corrupt> {
        let read = |text: &str| serde_json::from_str(text).map_err(Corrupt);
        Ok(Tree { values: read(&self.values)?, metadata: read(&self.metadata)? })
    }

    /// This half after a write that left `tree`.
    pub(super) fn next(&self, tree: Tree) -> Self {
        let text = |map: &Map| text(map).into_boxed_str();
        Self { values: text(&tree.values), metadata: text(&tree.metadata), version: self.version + 1 }
    }

    /// Appends the section as the wire has it.
    pub(crate) fn write(&self, out: &mut String, with_metadata: bool) {
        let members = self.values.strip_suffix('}').unwrap_or("{");
        out.push_str(members);
        let mut between = if members.len() > 1 { "," } else { "" };
        if with_metadata {
            out.push_str(between);
            out.push_str("\"$metadata\":");
            out.push_str(&self.metadata);
            between = ",";
        }
        out.push_str(between);
        out.push_str("\"$version\":");
        out.push_str(&self.version.to_string());
        out.push('}');
    }
}

/// An object as JSON text, in half the time that its `Display` takes. Its keys are texts and its numbers are finite,
/// and nothing else could fail.
pub(super) fn text(object: &Map) -> String {
    serde_json::to_string(object).unwrap_or_default()
}

impl Tree {
    /// Merges a patch into the values and stamps what it touches, ancestors included.
    pub(super) fn merge(&mut self, patch: &Map, stamp: Stamp<'_>) {
        twin::merge(&mut self.values, patch);
        stamp.patch(&mut self.metadata, patch);
    }

    /// Puts other values in the place of these.
    pub(super) fn replace(&mut self, values: &Map, stamp: Stamp<'_>) {
        self.values = Map::new();
        self.metadata = Map::new();
        self.merge(values, stamp);
    }
}

impl Stamp<'_> {
    fn touch(self, node: &mut Map) {
        node.insert(UPDATED.to_owned(), self.time.into());
        if let Some(version) = self.version {
            node.insert(UPDATED_VERSION.to_owned(), version.into());
        }
        for member in BY_CONFIGURATION {
            node.remove(member);
        }
    }

    fn leaf(self) -> Value {
        let mut node = Map::new();
        self.touch(&mut node);
        Value::Object(node)
    }

    /// Goes the way that [`twin::merge`] goes through the values. Whatever was a leaf has no members besides the
    /// stamps, so that it needs no cleaning when it becomes an object.
    fn patch(self, node: &mut Map, patch: &Map) {
        self.touch(node);
        for (key, change) in patch {
            match change {
                Value::Null => {
                    node.remove(key);
                }
                Value::Object(inner) => {
                    if let Value::Object(below) = node.entry(key).or_insert_with(|| Value::Object(Map::new())) {
                        self.patch(below, inner);
                    }
                }
                Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                    node.insert(key.clone(), self.leaf());
                }
            }
        }
    }
}

/// The path of the first member name that belongs to the hub, at any depth; deleting one is no better than setting it.
pub(super) fn reserved(patch: &Map) -> Option<String> {
    patch.iter().find_map(|(key, change)| match change {
        _ if key.contains('$') => Some(key.clone()),
        Value::Object(below) => reserved(below).map(|rest| format!("{key}.{rest}")),
        _ => None,
    })
}
