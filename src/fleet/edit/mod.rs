//! Changing values of documents where they stand: spans are replaced, lines put in or taken out, and every other byte of
//! the file stays. Nothing is written anew from its value, so comments, layout, quotes and line ends are kept.
//!
//! * [`Changes`] say what is to be set or taken out, by key; [`Editor`] turns them into the text of a file.
//! * `text` knows lines and their ends, `members` mappings, `list` lists that stand item by item.
//!
//! What cannot be changed without touching something else is refused ([`Unwritable`]).

mod list;
mod members;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    source::SourceFile,
    yaml::{self, Document, Tree},
};
use crate::twin::Map;
use text::{Piece, Text};

/// What is to change below a mapping, by key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes(BTreeMap<String, Change>);

#[derive(Debug, Clone, PartialEq)]
enum Change {
    Below(Changes),
    Set(Value),
    Remove,
}

/// Why a value cannot be changed where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unwritable {
    /// Several places would change together.
    #[error("an anchor, an alias or a tag stands there; write the value out by hand")]
    Marked,
    /// Its text is made of something else.
    #[error("it is filled in from `${{…}}`; change what that refers to, or write the value yourself")]
    Template,
    /// Something that is no mapping stands where the value would lie.
    #[error("another value stands where a mapping would have to be")]
    InTheWay,
    /// A mapping would give way to something else.
    #[error("the documents declare a mapping there, and the twin holds something else")]
    Mapping,
    /// Comments inside it would be lost.
    #[error("it is written over several lines with comments between them")]
    Comments,
    /// Nobody lays YAML out like this by hand.
    #[error("it is laid out in a way that cannot be changed line by line")]
    Layout,
    /// The file has no such document.
    #[error("its document cannot be read")]
    NoDocument,
}

impl Changes {
    /// Sets the value at these keys; mappings that are missing are put in. A text that looks like a reference is written
    /// so that it is none.
    pub fn set<K: AsRef<str>>(&mut self, keys: &[K], value: &Value) {
        self.put(keys, Change::Set(literal(value)));
    }

    /// Sets the value at these keys as a document writes it: `${…}` in its texts refers to something.
    pub fn write<K: AsRef<str>>(&mut self, keys: &[K], value: &Value) {
        self.put(keys, Change::Set(value.clone()));
    }

    /// Takes the value at these keys out with its line. Where nothing would be left of its mapping, `null` takes its
    /// place: an empty mapping says something else.
    pub fn remove<K: AsRef<str>>(&mut self, keys: &[K]) {
        self.put(keys, Change::Remove);
    }

    fn put<K: AsRef<str>>(&mut self, keys: &[K], change: Change) {
        let Some((first, rest)) = keys.split_first() else { return };
        let first = first.as_ref().to_owned();
        if rest.is_empty() {
            self.0.insert(first, change);
            return;
        }
        let place = self.0.entry(first).or_insert_with(|| Change::Below(Self::default()));
        // A value that is set as a whole has the last word over what lies in it.
        if let Change::Below(below) = place {
            below.put(rest, change);
        }
    }

    /// What is to be set, as a value of its own: for a place where nothing stands yet.
    fn values(&self) -> Map {
        self.0.iter().filter_map(|(key, change)| Some((key.clone(), change.value()?))).collect()
    }
}

impl Change {
    fn value(&self) -> Option<Value> {
        match self {
            Self::Set(value) => Some(value.clone()),
            Self::Remove => None,
            Self::Below(below) => Some(below.values()).filter(|map| !map.is_empty()).map(Value::Object),
        }
    }
}

/// A value whose texts are taken letter by letter: nothing in them refers to anything.
pub(crate) fn literal(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("${", "$${")),
        Value::Array(items) => items.iter().map(literal).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(key, value)| (key.clone(), literal(value))).collect())
        }
        other => other.clone(),
    }
}

/// The documents of one file, ready to be changed.
#[derive(Debug)]
pub struct Editor<'f> {
    text: Text<'f>,
    documents: Vec<(Document<'f>, Tree)>,
}

impl<'f> Editor<'f> {
    /// Reads a file. One that is not UTF-8 has no documents.
    pub fn new(file: &'f SourceFile) -> Self {
        let text = std::str::from_utf8(&file.text).unwrap_or_default();
        let documents = yaml::split(&file.text).map(|document| {
            let tree = Tree::read(&document);
            (document, tree)
        });
        Self { documents: documents.collect(), text: Text(text) }
    }

    /// What a document says, `${…}` and nulls as written; `None` when the file has no such document.
    pub fn value(&self, document: usize) -> Option<Value> {
        let found = self.documents.iter().find(|(known, _)| known.number == document);
        found.and_then(|(document, _)| yaml::value(document))
    }

    /// Whether a document could be changed like this.
    ///
    /// # Errors
    /// When not, with the reason.
    pub fn check(&self, document: usize, changes: &Changes) -> Result<(), Unwritable> {
        self.pieces(document, changes).map(drop)
    }

    /// The file with its documents, by number, changed.
    ///
    /// # Errors
    /// When one of them cannot be changed like this.
    pub fn changed(&self, changes: &BTreeMap<usize, Changes>) -> Result<String, Unwritable> {
        let mut pieces = Vec::new();
        for (document, changes) in changes {
            pieces.extend(self.pieces(*document, changes)?);
        }
        Ok(self.text.with(pieces))
    }

    fn pieces(&self, number: usize, changes: &Changes) -> Result<Vec<Piece>, Unwritable> {
        let found = self.documents.iter().find(|(document, _)| document.number == number);
        let (document, tree) = found.ok_or(Unwritable::NoDocument)?;
        let root = tree.root().ok_or(Unwritable::NoDocument)?;
        let mut cut = Cut { text: self.text, document, tree, way: Vec::new(), pieces: Vec::new() };
        cut.mapping(root, changes)?;
        Ok(cut.pieces)
    }
}

/// Works out what to put where in one document.
struct Cut<'a, 'f> {
    text: Text<'f>,
    document: &'a Document<'f>,
    tree: &'a Tree,
    /// The keys that lead to what is looked at.
    way: Vec<String>,
    pieces: Vec<Piece>,
}
