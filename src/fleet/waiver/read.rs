//! The waivers of a file.

use std::{ops::Range, sync::Arc};

use jiff::civil::Date;

use super::{
    Waiver,
    line::{self, Line},
};
use crate::fleet::{
    check::today,
    finding::{Finding, Place, Target},
    rule::{nearest_rule, rule},
    source::SourceFile,
    yaml::{self, Document, Tree},
};

/// What a comment to twinops begins with.
const MARK: &str = "twinops:";
const FORM: &str = "write `# twinops: allow RULE because REASON`";

/// The waivers in the comments of a file, and what is wrong with them. A file without any costs a look for one word.
pub(in crate::fleet) fn read(file: &SourceFile, findings: &mut Vec<Finding>) -> Vec<Waiver> {
    let Ok(text) = std::str::from_utf8(&file.text) else { return Vec::new() };
    let marks: Vec<usize> = text.match_indices(MARK).map(|(at, _)| at).filter(|at| hash(text, *at).is_some()).collect();
    if marks.is_empty() {
        return Vec::new();
    }
    let documents: Vec<_> = yaml::split(&file.text).map(|document| (Tree::read(&document), document)).collect();
    let page = Page { file: &file.path, text, documents };
    marks.into_iter().flat_map(|mark| page.comment(mark, findings)).collect()
}

/// The `#` before a mark, when it may begin a comment.
fn hash(text: &str, mark: usize) -> Option<usize> {
    let before = text[..mark].trim_end_matches([' ', '\t']);
    let at = before.strip_suffix('#')?.len();
    let is_first = at == 0 || text[..at].ends_with([' ', '\t', '\n', '\r']);
    is_first.then_some(at)
}

/// A file with comments to twinops.
struct Page<'t> {
    file: &'t Arc<str>,
    text: &'t str,
    documents: Vec<(Tree, Document<'t>)>,
}

impl Page<'_> {
    fn comment(&self, mark: usize, findings: &mut Vec<Finding>) -> Vec<Waiver> {
        let Some(hash) = hash(self.text, mark).filter(|hash| !self.is_quoted(*hash)) else { return Vec::new() };
        let end = self.line_end(mark);
        let from = mark + MARK.len();
        let whole = self.place(hash..end);
        let Some(line) = line::parse(&self.text[from..end]) else {
            let message = "this comment is meant for twinops, and cannot be understood";
            findings.push(Finding::warning("waiver-syntax", message).at(whole).help(FORM));
            return Vec::new();
        };
        if !holds(&line, &whole, findings) {
            return Vec::new();
        }
        let covers = self.covered(hash, end);
        let reason: Arc<str> = line.reason.into();
        let waiver = |(name, at): &(&str, Range<usize>)| {
            let place = self.place(from + at.start..from + at.end);
            let rule = match rule(name) {
                Some(rule) if rule.waivable => rule,
                Some(_) => {
                    let message = format!("`{name}` cannot be waived");
                    let help = "mend what it finds, and remove the waiver";
                    findings.push(Finding::warning("waiver-refused", message).at(place).help(help));
                    return None;
                }
                None => {
                    let help = nearest_rule(name).map_or_else(
                        || "`twinops explain --rule` lists all rules".to_owned(),
                        |near| format!("did you mean `{}`?", near.id),
                    );
                    let message = format!("there is no rule `{name}`");
                    findings.push(Finding::warning("waiver-rule", message).at(place).help(help));
                    return None;
                }
            };
            Some(Waiver { rule, reason: reason.clone(), covers: covers.clone(), comment: place, used: false })
        };
        line.rules.iter().filter_map(waiver).collect()
    }

    /// Whether what looks like a comment is part of a text.
    fn is_quoted(&self, at: usize) -> bool {
        self.documents.iter().any(|(tree, _)| tree.is_in_scalar(at))
    }

    /// The bytes that a comment speaks of.
    fn covered(&self, hash: usize, end: usize) -> Range<usize> {
        let start = self.text[..hash].rfind('\n').map_or(0, |at| at + 1);
        if !self.text[start..hash].trim().is_empty() {
            return start..end;
        }
        let Some(next) = self.next_line(end) else { return end..end };
        let Some((tree, document)) = self.documents.iter().find(|(_, document)| contains(document, next.start)) else {
            return next;
        };
        let whole = document.start..document.start + document.text.len();
        if self.text[next.clone()].starts_with("---") {
            return whole;
        }
        tree.entry_on(next.clone()).map_or(next, |entry| if entry.is_first { whole } else { entry.bytes })
    }

    /// The next line with content.
    fn next_line(&self, mut at: usize) -> Option<Range<usize>> {
        while let Some(length) = self.text[at..].find('\n') {
            at += length + 1;
            let end = self.line_end(at);
            let line = self.text[at..end].trim_start();
            if !line.is_empty() && !line.starts_with('#') {
                return Some(at..end);
            }
        }
        None
    }

    fn line_end(&self, at: usize) -> usize {
        self.text[at..].find(['\n', '\r']).map_or(self.text.len(), |length| at + length)
    }

    fn place(&self, bytes: Range<usize>) -> Place {
        let document = self.documents.iter().find(|(_, document)| contains(document, bytes.start));
        let document = document.map_or(0, |(_, document)| document.number);
        Place { file: self.file.clone(), document, target: Target::Bytes { from: bytes.start, to: bytes.end } }
    }
}

/// Whether the waiver has a reason and has not ended; otherwise a finding says so.
fn holds(line: &Line<'_>, place: &Place, findings: &mut Vec<Finding>) -> bool {
    let finding = match line.until.map(str::parse::<Date>) {
        _ if line.reason.is_empty() => {
            let finding = Finding::warning("waiver-reason", "a waiver without a reason waives nothing");
            finding.help("add `because` and the reason")
        }
        Some(Err(error)) => {
            Finding::warning("waiver-syntax", format!("the end of the waiver is no day: {error}")).help(FORM)
        }
        Some(Ok(until)) if until < today() => {
            let message = format!("the waiver ended on {until}: the rule holds here again");
            Finding::warning("waiver-expired", message).help("mend what it finds, or agree on a new date")
        }
        Some(Ok(_)) | None => return true,
    };
    findings.push(finding.at(place.clone()));
    false
}

fn contains(document: &Document<'_>, at: usize) -> bool {
    (document.start..document.start + document.text.len()).contains(&at)
}
