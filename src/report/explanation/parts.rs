//! An explanation for an issue or a page: one table a value.

use super::{ExplanationReport, asides, credit, role, said};
use crate::{
    fleet::resolve::{Explained, Layer, Say},
    report::{
        Paper,
        page::{Inline, Part, Piece, Table},
        places::origin,
        words,
    },
};

pub(super) fn of(report: &ExplanationReport<'_>, paper: &Paper) -> Vec<Part> {
    let words = format!(" in fleet {} {}", report.fleet, report.revision_words());
    let head = Part::first("sum").say(Inline::default().code(report.device.as_str()).prose(words));
    let table = Table {
        head: vec![("document", false), ("priority", true), ("selects", false), ("line", false)],
        rows: report.explanation.layers.iter().map(|layer| documents(report, layer)).collect(),
    };
    let values = &report.explanation.values;
    let (shown, left_out) = values.split_at(values.len().min(paper.limits.groups));
    let mut parts = vec![head.with(Piece::Table(table))];
    parts.extend(shown.iter().map(|value| part(report, value)));
    parts.extend(words::more(left_out.len(), "value").map(|rest| Part::open("rest").say(Inline::of(rest))));
    parts
}

fn documents(report: &ExplanationReport<'_>, layer: &Layer) -> Vec<Inline> {
    let selects = match (layer.priority, &layer.condition) {
        (None, _) => Inline::of("this device alone"),
        (Some(_), Some(condition)) => Inline::default().code(condition),
        (Some(_), None) => Inline::of("every device"),
    };
    let priority = layer.priority.map(|priority| priority.to_string()).unwrap_or_default();
    let place = Inline::default().code(origin(report.places, &layer.place));
    vec![Inline::default().code(&*layer.source), Inline::of(priority), selects, place]
}

fn part(report: &ExplanationReport<'_>, value: &Explained) -> Part {
    let verdict = report.verdict(value);
    let word = verdict.map(|(verdict, _)| format!(" {verdict}")).unwrap_or_default();
    let path = value.path.to_string();
    let title = Inline::default().code(&path).prose(": ").code(said(&value.value, value.secret)).prose(word);
    let head = ["", "document", "value", "line", "commit", "author"].map(|name| (name, false)).to_vec();
    let rows = value.says.iter().map(|say| row(report, say)).collect();
    let asides = verdict.and_then(|(_, property)| property).map(asides).unwrap_or_default();
    let items = asides.into_iter().map(|(name, aside)| Inline::of(format!("{name}: ")).code(aside));
    Part::open(path).titled(title).with(Piece::Table(Table { head, rows })).list(items)
}

fn row(report: &ExplanationReport<'_>, say: &Say) -> Vec<Inline> {
    let (commit, day, name, subject) = report.author(say).map(credit).unwrap_or_default();
    let value = Inline::default().code(said(&say.value, say.secret));
    let value = match say.written.as_deref() {
        Some(written) => value.prose(" from ").code(written),
        None => value,
    };
    let commit = match &*commit {
        "" => Inline::default(),
        id if subject.is_empty() => Inline::default().code(id),
        id => Inline::default().code(id).prose(format!(" {subject}")),
    };
    vec![
        Inline::of(role(say.role)),
        Inline::default().code(report.source(say)),
        value,
        Inline::default().code(origin(report.places, &say.place)),
        commit,
        Inline::of(format!("{name} {day}").trim()),
    ]
}
