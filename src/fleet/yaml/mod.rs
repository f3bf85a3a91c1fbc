//! From text to JSON values: YAML 1.2's core schema, without what lets mistakes slip.
//!
//! `split` finds the documents of a file, so that one with a fault of syntax does not hide the next; `build` turns the
//! events of one document into a value and keeps no spans, `fault` puts what is wrong into words; `tree` reads the same document again, with spans, for
//! [`locate`](super::locate) and only when there is something to show. `scalar` says what a plain scalar means,
//! `text` what bytes may be a file at all, `lines` where a line and column lie. `write` is the way back.

mod build;
mod fault;
mod lines;
mod pointer;
mod scalar;
mod split;
mod text;
mod tree;
pub(crate) mod write;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::Value;

use super::finding::Finding;

pub(super) use lines::Lines;
pub(super) use pointer::escape;
pub(super) use split::Document;
pub(super) use tree::{Node, NodeKind, Tree};

/// Deepest nesting, aliases included. A twin may have ten levels; this only protects the stack.
const DEPTH: usize = 64;

/// Gives every document of a file that could be read to `each`, with its number, and reports what is wrong with the
/// others. A document without content is passed over. Returns how many documents there are.
pub(super) fn documents(
    file: &Arc<str>,
    bytes: &[u8],
    findings: &mut Vec<Finding>,
    mut each: impl FnMut(usize, Value, &mut Vec<Finding>),
) -> usize {
    let Some(text) = text::checked(file, bytes, findings) else { return 0 };
    let mut count = 0;
    for document in split::documents(text) {
        count += 1;
        if let Some(value) = build::value(file, &document, findings)
            && !value.is_null()
        {
            each(document.number, value, findings);
        }
    }
    count
}

/// The value of a document, whatever is wrong with it.
pub(super) fn value(document: &Document<'_>) -> Option<Value> {
    build::value(&"".into(), document, &mut Vec::new())
}

/// The documents of a file, for looking at again.
pub(super) fn split(bytes: &[u8]) -> impl Iterator<Item = Document<'_>> {
    std::str::from_utf8(bytes).ok().into_iter().flat_map(split::documents)
}
