//! Where in a file: what a report asks of whoever holds the files.

use std::{fmt, ops::Range, sync::Arc};

use crate::fleet::Place;

/// A spot in a file, for people and for carets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Path of the file with `/`, as it is to be shown: best relative to where the user stands.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Line and column of the character after the last that is meant, from 1.
    pub end: (usize, usize),
    /// The bytes of the file that are meant.
    pub span: Range<usize>,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Turns places of documents into lines of files.
pub trait Places {
    /// Where this is; `None` when the file, or the path in it, is not there.
    fn locate(&self, place: &Place) -> Option<Location>;

    /// Where this was in an earlier revision; `None` when that, or the place in it, is not to be had.
    fn locate_at(&self, _place: &Place, _revision: &str) -> Option<Location> {
        None
    }

    /// The text of a file, by the path that a [`Location`] names; `None` when it is not there.
    fn text(&self, file: &str) -> Option<Arc<str>>;
}

/// Knows no file: for values that came without their repository.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl Places for Nowhere {
    fn locate(&self, _: &Place) -> Option<Location> {
        None
    }

    fn text(&self, _: &str) -> Option<Arc<str>> {
        None
    }
}

/// `file:line`, or the file alone when the line is not to be had.
pub(crate) fn origin(places: &dyn Places, place: &Place) -> String {
    places.locate(place).map_or_else(|| place.file.to_string(), |found| found.to_string())
}
