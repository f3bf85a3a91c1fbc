//! Workflow commands of GitHub Actions: `::error file=…,line=…,col=…,title=…::message`.

use std::io;

use super::{
    escape::{command_data, command_property},
    places::Location,
};

/// How loud an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Blue.
    Notice,
    /// Yellow.
    Warning,
    /// Red.
    Error,
}

/// Writes one annotation.
pub(crate) fn annotate(
    out: &mut dyn io::Write,
    level: Level,
    location: Option<&Location>,
    title: &str,
    message: &str,
) -> io::Result<()> {
    let level = match level {
        Level::Notice => "notice",
        Level::Warning => "warning",
        Level::Error => "error",
    };
    write!(out, "::{level} ")?;
    if let Some(Location { file, line, column, .. }) = location {
        write!(out, "file={},line={line},col={column},", command_property(file))?;
    }
    writeln!(out, "title={}::{}", command_property(title), command_data(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_start_a_command_of_its_own() {
        let at = Location { file: "a,b:c.yaml".into(), line: 3, column: 7, span: 0..0 };
        let mut out = Vec::new();
        annotate(&mut out, Level::Error, Some(&at), "x::y", "100%\n::set-output name=a::b").unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "::error file=a%2Cb%3Ac.yaml,line=3,col=7,title=x%3A%3Ay::100%25%0A::set-output name=a::b\n"
        );
    }
}
