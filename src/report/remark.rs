//! What a report has to say line by line: the common ground of the formats that other tools show beside the files.

use super::places::Location;

/// How loud a remark is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Level {
    /// Worth knowing.
    #[default]
    Notice,
    /// Wants a look.
    Warning,
    /// Wrong.
    Error,
}

/// One thing to be said, if possible about one line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// Other lines that have to do with it, each with a few words; `message` has them too.
    pub related: Vec<(Location, &'a str)>,
    /// Why it does not count, when somebody has said so in the file.
    pub waived: Option<&'a str>,
}
