//! Findings for a pull request or a page.

use super::Findings;
use crate::{
    fleet::{Finding, Severity},
    report::{
        Paper, Places,
        page::{Inline, Part, Piece},
        places::origin,
        words,
    },
};

pub(super) fn of(report: &Findings<'_>, paper: &Paper) -> Vec<Part> {
    let mut parts = vec![Part::first("sum").say(Inline::default().strong(report.summary()))];
    let (shown, left_out) = report.findings.split_at(report.findings.len().min(paper.limits.groups));
    // One part each, so that there is room for some where there is none for all.
    parts.extend(shown.iter().map(|finding| part(finding, report.places)));
    parts.extend(words::more(left_out.len(), "finding").map(|rest| Part::open("rest").say(Inline::of(rest))));
    parts
}

fn part(finding: &Finding, places: &dyn Places) -> Part {
    let word = match finding.severity {
        Severity::Warning => Inline::of("warning"),
        Severity::Error => Inline::default().strong("error"),
    };
    let at = |line: Inline, place| line.prose(" (").code(origin(places, place)).prose(")");
    let first = word.prose(" ").code(finding.rule).prose(format!(": {}", finding.message));
    let mut lines = vec![match &finding.place {
        Some(place) => at(first, place),
        None => first,
    }];
    lines.extend(finding.label.as_ref().map(Inline::of));
    lines.extend(finding.related.iter().map(|(place, words)| at(Inline::of(words), place)));
    lines.extend(finding.help.as_ref().map(|help| Inline::default().strong("help:").prose(format!(" {help}"))));
    Part::open(format!("{}: {}", finding.rule, finding.message)).with(Piece::Items(vec![lines]))
}
