//! From a place in a document to file, line and column.
//!
//! Loading keeps no spans; a file is read a second time here, and only when there is something to show of it.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, OnceLock},
};

use super::{
    finding::{Place, Target},
    source::{Source, SourceFile},
    yaml::{self, Lines, Node, NodeKind, Tree},
};

/// Where a place lies in the text of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Path of the file, relative to the fleet's root, with `/`.
    pub file: Arc<str>,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// Line and column of the character after the last, from 1.
    pub end: (usize, usize),
    /// In bytes of the file.
    pub span: Range<usize>,
    /// The whole file.
    pub text: Arc<[u8]>,
}

/// Finds places in the files of a source; each file is read once, when it is first asked for.
#[derive(Debug)]
pub struct Locator<'s> {
    source: &'s Source,
    files: BTreeMap<&'s str, Read<'s>>,
}

/// What is known of a file.
#[derive(Debug, Default)]
struct Read<'s> {
    lines: OnceLock<Lines<'s>>,
    trees: OnceLock<Vec<(usize, Tree)>>,
}

impl<'s> Locator<'s> {
    /// A locator that has not read anything yet.
    pub fn new(source: &'s Source) -> Self {
        let files = source.files.iter().chain(&source.schemas);
        Self { source, files: files.map(|file| (&*file.path, Read::default())).collect() }
    }

    /// Line and column of a place; of the nearest thing around it, when it cannot be found itself. `None` for a file
    /// that is not of this source.
    pub fn locate(&self, place: &Place) -> Option<Location> {
        let file = self.source.file(&place.file)?;
        let span = self.span_in(file, place)?;
        let lines = self.files.get(&*file.path)?.lines.get_or_init(|| Lines::new(readable(&file.text)));
        let (line, column) = lines.position(span.start);
        let end = lines.position(span.end);
        Some(Location { file: file.path.clone(), line, column, end, span, text: file.text.clone() })
    }

    /// The bytes of a place, without its line and column.
    pub fn span(&self, place: &Place) -> Option<Range<usize>> {
        self.span_in(self.source.file(&place.file)?, place)
    }

    fn span_in(&self, file: &SourceFile, place: &Place) -> Option<Range<usize>> {
        let trees = &self.files.get(&*place.file)?.trees;
        Some(span_of(file, place, || trees.get_or_init(|| trees_of(file))))
    }
}

/// Where places of one document begin and end, in their order; nothing is kept.
pub(super) fn spans<'p>(file: &SourceFile, places: impl Iterator<Item = &'p Place>) -> Vec<Range<usize>> {
    let trees = OnceLock::new();
    places.map(|place| span_of(file, place, || trees.get_or_init(|| trees_of(file)))).collect()
}

fn trees_of(file: &SourceFile) -> Vec<(usize, Tree)> {
    yaml::split(&file.text).map(|document| (document.number, Tree::read(&document))).collect()
}

fn span_of<'t>(file: &SourceFile, place: &Place, trees: impl FnOnce() -> &'t Vec<(usize, Tree)>) -> Range<usize> {
    let (pointer, wants) = match &place.target {
        Target::Bytes { from, to } => {
            let end = file.text.len();
            return (*from).min(end)..(*to).clamp((*from).min(end), end);
        }
        Target::Value(pointer) => (pointer, Wants::Value),
        Target::Key(pointer) => (pointer, Wants::Key),
        Target::Part { pointer, from, to } => (pointer, Wants::Part(*from..*to)),
    };
    let found = trees().iter().find(|(number, _)| *number == place.document);
    found.map_or(0..0, |(_, tree)| find(tree, &file.text, pointer, wants))
}

/// The text up to its first byte that is not UTF-8.
fn readable(bytes: &[u8]) -> &str {
    let valid = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    std::str::from_utf8(&bytes[..valid]).unwrap_or_default()
}

enum Wants {
    Value,
    Key,
    Part(Range<usize>),
}

fn find(tree: &Tree, text: &[u8], pointer: &str, wants: Wants) -> Range<usize> {
    let Some(mut here) = tree.root() else { return 0..0 };
    let mut key = None;
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let item = || step.parse().ok().and_then(|index| tree.item(here, index)).map(|item| (None, item));
        let Some((next_key, next)) = tree.member(here, &step).map(|(key, value)| (Some(key), value)).or_else(item)
        else {
            // Something that is missing is shown at what it is missing from.
            return shown(tree.node(here), key.map(|key| tree.node(key)), text);
        };
        (key, here) = (next_key, next);
    }
    let key = key.map(|key| tree.node(key));
    match wants {
        Wants::Key => key.map_or_else(|| shown(tree.node(here), None, text), |key| key.from..key.to),
        Wants::Value => shown(tree.node(here), key, text),
        Wants::Part(part) => part_of(tree, here, text, part).unwrap_or_else(|| shown(tree.node(here), key, text)),
    }
}

/// What to point at for a node: the key of a block or of nothing; otherwise as much as stands on the first line.
fn shown(node: &Node, key: Option<&Node>, text: &[u8]) -> Range<usize> {
    let body = text.get(node.from..node.to).unwrap_or_default();
    let is_block = matches!(node.kind, NodeKind::List(_) | NodeKind::Members(_))
        && !body.starts_with(b"[")
        && !body.starts_with(b"{");
    let line = body.iter().position(|b| matches!(b, b'\n' | b'\r'));
    match (line, key) {
        (_, Some(key)) if body.is_empty() || is_block => key.from..key.to,
        (Some(end), _) => node.from..node.from + end,
        (None, _) => node.from..node.to,
    }
}

/// Some bytes of a scalar, when it stands in the file letter by letter.
fn part_of(tree: &Tree, at: usize, text: &[u8], part: Range<usize>) -> Option<Range<usize>> {
    let node = tree.node(tree.target(at));
    let decoded = tree.text(at)?;
    let written = std::str::from_utf8(text.get(node.from..node.to)?).ok()?;
    let start = node.from + written.find(decoded)?;
    (part.start <= decoded.len()).then(|| start + part.start..start + part.end.clamp(part.start, decoded.len()))
}

#[cfg(test)]
mod tests;
