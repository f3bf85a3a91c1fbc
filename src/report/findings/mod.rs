//! What is wrong in a fleet repository.

mod json;
mod parts;
mod remarks;
mod text;

use std::io;

pub(crate) use json::View;

use super::{
    page::Part,
    paper::{Paper, Report},
    places::Places,
    remark::{Level, Remark},
    words,
};
use crate::fleet::{Finding, Severity, Waived};

/// Findings, to be told.
#[derive(Clone, Copy)]
pub struct Findings<'a> {
    /// What was found, in the order in which it is to be read.
    pub findings: &'a [Finding],
    /// What somebody has taken back in a document, with the reason.
    pub waived: &'a [Waived],
    /// How many documents were looked at.
    pub documents: u64,
    /// The files.
    pub places: &'a dyn Places,
}

impl Findings<'_> {
    fn count(&self, severity: Severity) -> u64 {
        words::wide(self.findings.iter().filter(|finding| finding.severity == severity).count())
    }

    /// `3 errors, 1 warning in 120 documents`.
    fn summary(&self) -> String {
        let documents = words::count(self.documents, "document");
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        let found = match (errors, warnings) {
            (0, 0) => "No findings".to_owned(),
            (_, 0) => words::count(errors, "error"),
            (0, _) => words::count(warnings, "warning"),
            _ => format!("{}, {}", words::count(errors, "error"), words::count(warnings, "warning")),
        };
        match self.waived.len() {
            0 => format!("{found} in {documents}"),
            waived => format!("{found} in {documents}; {waived} waived"),
        }
    }
}

impl From<Severity> for Level {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Warning => Self::Warning,
            Severity::Error => Self::Error,
        }
    }
}

impl Report for Findings<'_> {
    fn text(&self, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
        text::write(self, paper, out)
    }

    fn json(&self, out: &mut dyn io::Write) -> io::Result<()> {
        json::write(self, out)
    }

    fn parts(&self, paper: &Paper) -> Vec<Part> {
        parts::of(self, paper)
    }

    fn remarks(&self, paper: &Paper, take: &mut dyn FnMut(&Remark<'_>) -> io::Result<()>) -> io::Result<()> {
        remarks::tell(self, paper, take)
    }

    fn sum(&self) -> (&'static str, String) {
        ("Findings", self.summary())
    }
}

#[cfg(test)]
pub(crate) mod tests;
