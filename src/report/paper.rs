//! What a report is written on: the format, the colours and the room there is.

use std::{fmt, io};

use anstyle::{AnsiColor, Style};

use super::{
    fit::{Fitted, Limit, fit},
    github, gitlab, junit,
    page::{self, Part},
    remark::Remark,
    sarif,
};

/// How a report is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people at a terminal.
    #[default]
    Text,
    /// For programs; has a schema ([`schemas`](super::schemas)).
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// One page with charts, for a browser; needs no other file.
    Html,
    /// SARIF 2.1.0, for tools that show results of static analysis beside the files.
    Sarif,
    /// `JUnit` XML, for CI systems that show results of tests.
    Junit,
    /// Workflow commands that GitHub turns into annotations.
    Github,
    /// GitLab's report of code quality, shown in merge requests.
    Gitlab,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Text, Self::Json, Self::Markdown, Self::Html, Self::Sarif, Self::Junit, Self::Github, Self::Gitlab];

    /// Its name on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
        }
    }
}

/// A value that can be told in every format.
pub trait Report {
    /// For people.
    fn text(&self, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()>;
    /// For programs.
    fn json(&self, out: &mut dyn io::Write) -> io::Result<()>;
    /// For pull requests and pages: what it says, before it has a voice.
    fn parts(&self, paper: &Paper) -> Vec<Part>;
    /// Line by line, for tools that show it beside the files.
    fn remarks(&self, paper: &Paper, take: &mut dyn FnMut(&Remark<'_>) -> io::Result<()>) -> io::Result<()>;
    /// One word for what this is, and its sum in one line.
    fn sum(&self) -> (&'static str, String);
}

/// Writes a report.
///
/// # Errors
/// Those of the writer alone.
pub fn write(report: &dyn Report, format: Format, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    match format {
        Format::Text => report.text(paper, out),
        Format::Json => report.json(out),
        Format::Markdown => out.write_all(markdown(report, paper, Limit::Bytes(paper.limits.bytes)).text.as_bytes()),
        Format::Html => page::write_html(report, paper, out),
        Format::Sarif => sarif::write(report, paper, out),
        Format::Junit => junit::write(report, paper, out),
        Format::Github => github::write(report, paper, out),
        Format::Gitlab => gitlab::write(report, paper, out),
    }
}

/// A report as markdown that is no longer than `limit`.
pub fn markdown(report: &dyn Report, paper: &Paper, limit: Limit) -> Fitted {
    fit(&page::blocks(&report.parts(paper)), limit)
}

/// How much of a report is shown before it only counts. JSON knows no limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Findings, or groups of devices to which the same happens.
    pub groups: usize,
    /// Lines within a group: properties of a patch, lines of a diff.
    pub lines: usize,
    /// Device ids named for a group.
    pub samples: usize,
    /// Bytes of a markdown report: GitHub takes 65,536 characters in a comment.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { groups: 100, lines: 40, samples: 3, bytes: 60_000 }
    }
}

/// What a report is written on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Paper {
    /// Whether text carries ANSI colours.
    pub colour: bool,
    /// How much is shown.
    pub limits: Limits,
    /// Whether what is merely on its way is listed too, and not only counted.
    pub detail: bool,
}

/// Headings and names.
pub(crate) const BOLD: Style = Style::new().bold();
/// What is beside the point: origins, samples.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What comes, and what is well.
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
/// What goes, and what is wrong.
pub(crate) const RED: Style = AnsiColor::Red.on_default();
/// What changes, and what wants a look.
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();

impl Paper {
    /// `text` in this style, if the paper takes colours. Padding given to the result goes to the text.
    pub(crate) fn paint<T: fmt::Display>(&self, style: Style, text: T) -> Painted<T> {
        Painted { style: self.colour.then_some(style), text }
    }
}

/// What the printer needs of the same styles.
impl Paper {
    /// `text` as something wrong.
    pub(crate) fn bad<T: fmt::Display>(&self, text: T) -> impl fmt::Display + use<T> {
        self.paint(RED.bold(), text)
    }

    /// `text` as something to look at.
    pub(crate) fn warn<T: fmt::Display>(&self, text: T) -> impl fmt::Display + use<T> {
        self.paint(YELLOW.bold(), text)
    }

    /// `text` as something that helps.
    pub(crate) fn good<T: fmt::Display>(&self, text: T) -> impl fmt::Display + use<T> {
        self.paint(GREEN, text)
    }

    /// `text` as something beside the point.
    pub(crate) fn dim<T: fmt::Display>(&self, text: T) -> impl fmt::Display + use<T> {
        self.paint(DIM, text)
    }
}

/// See [`Paper::paint`].
pub(crate) struct Painted<T> {
    style: Option<Style>,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(style) = self.style else { return self.text.fmt(f) };
        write!(f, "{style}")?;
        self.text.fmt(f)?;
        write!(f, "{style:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_written_only_on_paper_that_takes_it() {
        let plain = Paper::default();
        let coloured = Paper { colour: true, ..plain };
        assert_eq!(format!("[{:<3}]", plain.paint(RED, "x")), "[x  ]");
        assert_eq!(format!("[{:<3}]", coloured.paint(RED, "x")), "[\u{1b}[31mx  \u{1b}[0m]");
    }
}
