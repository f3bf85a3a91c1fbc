//! From text to JSON values: YAML 1.2's core schema, without what lets mistakes slip.
//!
//! `split` finds the documents of a file, so that one with a fault of syntax does not hide the next; `build` turns the
//! events of one document into a value and keeps no spans; `tree` reads the same document again, with spans, for
//! [`locate`](super::locate) and only when there is something to show. `scalar` says what a plain scalar means,
//! `text` what bytes may be a file at all, `lines` where a line and column lie.

mod build;
mod lines;
mod scalar;
mod split;
mod text;
mod tree;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::Value;

use super::finding::Finding;

pub(super) use build::escape;
pub(super) use lines::Lines;
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

/// The documents of a file, for looking at again.
pub(super) fn split(bytes: &[u8]) -> impl Iterator<Item = Document<'_>> {
    std::str::from_utf8(bytes).ok().into_iter().flat_map(split::documents)
}
