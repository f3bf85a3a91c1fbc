//! What a report has to say line by line: the common ground of the formats that other tools show beside the files.

use super::places::Location;

/// How loud a remark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Worth knowing.
    Notice,
    /// Wants a look.
    Warning,
    /// Wrong.
    Error,
}

/// One thing to be said, if possible about one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark<'a> {
    /// How loud.
    pub level: Level,
    /// What kind of thing, one word or kebab case: a rule, a verdict.
    pub rule: &'a str,
    /// A few words for a heading.
    pub title: String,
    /// The rest; may have several lines.
    pub message: String,
    /// The line.
    pub location: Option<Location>,
}
