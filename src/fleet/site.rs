//! The document that is being looked at.

use std::sync::Arc;

use super::{
    finding::{Place, Target},
    model::DocumentRef,
};

/// Names places of one document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'a> {
    /// Path of the file.
    pub(super) file: &'a Arc<str>,
    /// Which document of it.
    pub(super) number: usize,
}

impl Site<'_> {
    /// The value at `pointer`.
    pub(super) fn value(self, pointer: impl Into<String>) -> Place {
        Place::value(self.file, self.number, pointer)
    }

    /// The key that `pointer` ends with.
    pub(super) fn key(self, pointer: impl Into<String>) -> Place {
        Place::key(self.file, self.number, pointer)
    }

    /// Some bytes of the text at `pointer`.
    pub(super) fn part(self, pointer: impl Into<String>, span: &std::ops::Range<usize>) -> Place {
        let target = Target::Part { pointer: pointer.into(), from: span.start, to: span.end };
        Place { file: self.file.clone(), document: self.number, target }
    }

    /// The document, to be remembered.
    pub(super) fn document(self) -> DocumentRef {
        DocumentRef { file: self.file.clone(), document: self.number }
    }
}
