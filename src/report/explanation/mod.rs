//! Where the values of one device come from: the documents that competed for each, who wrote the lines and when, and
//! how the value stands.

mod json;
mod parts;
mod remarks;
mod text;

use std::{borrow::Cow, collections::BTreeMap, io};

use jiff::Timestamp;

pub(crate) use json::View;

use super::{
    page::Part,
    paper::{Paper, Report},
    places::Places,
    remark::Remark,
    standing,
    value::Shown,
    words,
};
use crate::{
    fleet::{
        Place,
        resolve::{Explained, Explanation, Role, Say},
    },
    plan::{PropertyVerdict, Verdict},
    twin::DeviceId,
};

/// Who wrote a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// A commit.
    Commit {
        /// Its full id.
        id: String,
        /// Who wrote it.
        name: String,
        /// Their address.
        email: String,
        /// When it was written.
        time: Timestamp,
        /// The first line of its message.
        subject: String,
        /// History is cut off at it (a shallow clone): the line may be older.
        cut_off: bool,
    },
    /// The line is in no commit.
    Uncommitted,
}

/// The values of one device, to be told.
#[derive(Clone, Copy)]
pub struct ExplanationReport<'a> {
    /// The fleet's name.
    pub fleet: &'a str,
    /// The device.
    pub device: &'a DeviceId,
    /// The revision that was read; `None` for the working tree.
    pub revision: Option<&'a str>,
    /// What the documents say; those of its values that are of interest.
    pub explanation: &'a Explanation,
    /// How values stand that are not compliant; `None` when nobody has looked at the twin.
    pub standing: Option<&'a [PropertyVerdict]>,
    /// Who wrote the lines, by place; not known for those that are missing.
    pub authors: &'a BTreeMap<Place, Author>,
    /// The files.
    pub places: &'a dyn Places,
}

impl ExplanationReport<'_> {
    /// How a value stands, and why, when the twin was looked at.
    fn verdict(&self, value: &Explained) -> Option<(Verdict, Option<&PropertyVerdict>)> {
        let judged = self.standing?.iter().find(|property| value.path.is_within(&property.path));
        Some((judged.map_or(Verdict::Compliant, |property| property.verdict), judged))
    }

    fn author(&self, say: &Say) -> Option<&Author> {
        self.authors.get(&say.place)
    }

    fn source(&self, say: &Say) -> &str {
        self.explanation.layers.get(say.layer).map_or("", |layer| &layer.source)
    }

    /// `at 3f2a91c0b1d2`, or that nothing of it need be committed.
    fn revision_words(&self) -> String {
        self.revision.map_or_else(|| "as in the working tree".to_owned(), |id| format!("at {}", words::short(id)))
    }

    fn summary(&self) -> String {
        let values = words::count(words::wide(self.explanation.values.len()), "value");
        let documents = words::count(words::wide(self.explanation.layers.len()), "document");
        format!("{values} of {} from {documents}", self.device)
    }
}

/// A say's value, or that it be absent.
fn said(value: &serde_json::Value, secret: bool) -> String {
    match value {
        serde_json::Value::Null => "(must not be there)".to_owned(),
        value => Shown::new(Some(value), secret).line(),
    }
}

/// The role of a document in a word or two.
const fn role(role: Role) -> &'static str {
    match role {
        Role::Sets => "set by",
        Role::Agrees => "also by",
        Role::Overridden => "over",
    }
}

/// What is known beside a verdict: the other sides' values, what the device said, who else writes.
fn asides(property: &PropertyVerdict) -> Vec<(&'static str, String)> {
    let mut asides: Vec<_> = standing::others(property).into_iter().map(|(name, value)| (name, value.line())).collect();
    asides.extend(standing::message(property).map(|message| ("says", message.into_owned())));
    asides.extend(property.by.as_ref().map(|by| ("by", format!("configuration {by}"))));
    asides.extend(property.since.as_deref().and_then(words::moment).map(|time| ("since", time.into_owned())));
    asides
}

/// `2026-09-02 Ada Lovelace: Move Oslo`, in parts; only the commit's id is missing.
fn credit(author: &Author) -> (Cow<'_, str>, String, &str, &str) {
    match author {
        Author::Commit { id, name, time, subject, cut_off, .. } => {
            let mark = if *cut_off { "^" } else { "" };
            let day = time.strftime("%Y-%m-%d").to_string();
            (Cow::Owned(format!("{mark}{}", id.get(..10).unwrap_or(id))), day, name, subject)
        }
        Author::Uncommitted => (Cow::Borrowed("uncommitted"), String::new(), "", ""),
    }
}

impl Report for ExplanationReport<'_> {
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
        ("Explanation", self.summary())
    }
}

#[cfg(test)]
mod tests;
