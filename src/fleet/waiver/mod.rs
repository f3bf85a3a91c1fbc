//! Waivers: comments that take a rule back at one place, with the reason.
//!
//! `read` finds them in the text of a file; [`Waivers`] holds findings against them, and knows in the end which of
//! them waived nothing. What a comment covers, and how it is written, is told to users in `docs/rules/README.md`.

mod line;
mod read;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use super::{
    finding::{Finding, Place},
    locate,
    rule::{Rule, Stage},
    source::Source,
};

pub(super) use read::read;

/// One rule, taken back at one place.
#[derive(Debug, Clone)]
pub(super) struct Waiver {
    rule: &'static Rule,
    reason: Arc<str>,
    /// Bytes of the file in which findings have to begin.
    covers: Range<usize>,
    comment: Place,
    used: bool,
}

/// A finding that a waiver took back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waived {
    /// What was found.
    pub finding: Finding,
    /// Why it does not count here.
    pub reason: Arc<str>,
}

/// The waivers of a repository, and what they waived so far.
#[derive(Debug, Clone, Default)]
pub struct Waivers {
    files: BTreeMap<Arc<str>, Vec<Waiver>>,
    waived: Vec<Waived>,
}

impl Waivers {
    /// Adds those of a file.
    pub(super) fn add(&mut self, file: &Arc<str>, waivers: Vec<Waiver>) {
        if !waivers.is_empty() {
            self.files.entry(file.clone()).or_default().extend(waivers);
        }
    }

    /// Keeps what is waived, and gives back the rest in its order.
    pub(super) fn sift(&mut self, findings: Vec<Finding>, source: &Source) -> Vec<Finding> {
        if self.files.is_empty() {
            return findings;
        }
        let mut starts = self.starts(&findings, source);
        let mut kept = Vec::with_capacity(findings.len());
        for finding in findings {
            let file = finding.place.as_ref().map(|place| place.file.clone());
            // As many places are known of a file as findings lie in it.
            let start = file.as_ref().and_then(|file| starts.get_mut(file)).and_then(Iterator::next);
            match file.and_then(|file| self.files.get_mut(&file)?.iter_mut().find(|w| w.takes(&finding, start))) {
                Some(waiver) => {
                    waiver.used = true;
                    self.waived.push(Waived { finding, reason: waiver.reason.clone() });
                }
                None => kept.push(finding),
            }
        }
        kept
    }

    /// Where the findings of each file with waivers begin, in their order.
    fn starts(&self, findings: &[Finding], source: &Source) -> BTreeMap<Arc<str>, std::vec::IntoIter<usize>> {
        let starts = |file: &Arc<str>| {
            let places = findings.iter().filter_map(|finding| finding.place.as_ref().filter(|p| p.file == *file));
            let spans = source.file(file).map(|file| locate::spans(file, places)).unwrap_or_default();
            (file.clone(), spans.into_iter().map(|span| span.start).collect::<Vec<_>>().into_iter())
        };
        self.files.keys().map(starts).collect()
    }

    /// A finding for each waiver that waived nothing, though its rule was looked at: a check that went no further than
    /// `reached` cannot tell of the others.
    pub(super) fn unused(&self, reached: Stage) -> Vec<Finding> {
        let waivers = self.files.values().flatten();
        let left_over = waivers.filter(|waiver| !waiver.used && waiver.rule.stage <= reached);
        let tell = |waiver: &Waiver| {
            let message = format!("nothing breaks `{}` here", waiver.rule.id);
            Finding::warning("waiver-unused", message).at(waiver.comment.clone()).help("remove the waiver")
        };
        left_over.map(tell).collect()
    }

    /// What was waived.
    pub fn waived(&self) -> &[Waived] {
        &self.waived
    }
}

impl Waiver {
    fn takes(&self, finding: &Finding, start: Option<usize>) -> bool {
        finding.rule == self.rule.id && start.is_some_and(|start| self.covers.contains(&start))
    }
}
