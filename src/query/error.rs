//! What is wrong with a query, and where in its text.

use std::ops::Range;

use thiserror::Error;

/// A query that does not parse.
///
/// Azure IoT Hub answers `400 ArgumentInvalid` and nothing more for such a text (protocol reference 6.5); this says
/// what was expected at which place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {message}")]
pub struct QueryError {
    /// What is wrong and what to write instead, without the place.
    pub message: String,
    /// Bytes of the text that the message is about; may be empty, at the end of the text.
    pub span: Range<usize>,
    /// Line of the span's start, counted from 1.
    pub line: usize,
    /// Column of the span's start in characters, counted from 1.
    pub column: usize,
}

impl QueryError {
    pub(super) fn new(text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        Self { message: message.into(), span, line, column }
    }

    /// Byte offset of the first character that the message is about.
    pub fn offset(&self) -> usize {
        self.span.start
    }
}

/// Something that parses but probably does not mean what its writer thinks.
///
/// An unknown field is not an error (protocol reference 6.4: the path is simply absent); a reviewer of a fleet
/// repository wants to hear of it all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Bytes of the text that the message is about.
    pub span: Range<usize>,
    /// What is doubtful, and what to write instead.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_counts_lines_and_characters() {
        let text = "a\nöx";
        let error = QueryError::new(text, 4..5, "no");
        assert_eq!((error.line, error.column, error.offset()), (2, 2, 4));
        assert_eq!(error.to_string(), "line 2, column 2: no");
    }
}
