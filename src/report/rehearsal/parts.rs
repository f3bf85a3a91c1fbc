//! A rehearsal for a pull request or a page.

use super::{RehearsalReport, told};
use crate::{
    reconcile::rehearsal::Refusal,
    report::{
        Paper, notices,
        page::{Inline, Part, Piece, Table},
        places::origin,
        rollouts, rulings, words,
    },
};

pub(super) fn of(report: &RehearsalReport<'_>, paper: &Paper) -> Vec<Part> {
    let rehearsal = report.rehearsal;
    let head = Inline::default().strong("Rehearsal:").prose(format!(" {}", report.summary()));
    let fleet = Inline::of(format!("Fleet {} at ", rehearsal.fleet)).code(words::short(&rehearsal.revision));
    let head = Part::first("sum").say(head).say(fleet.prose(format!(", with {}", report.cast())));
    let mut parts = vec![head];
    parts.extend(rulings::part(&rehearsal.rulings, paper));
    let shown = rehearsal.refusals.iter().take(paper.limits.groups);
    parts.extend(shown.map(|refusal| refused(report, refusal, paper)));
    parts.push(course(report, paper));
    parts.extend(rollouts::parts_of(&rehearsal.rollouts, paper));
    parts
}

fn refused(report: &RehearsalReport<'_>, refusal: &Refusal, paper: &Paper) -> Part {
    let property = &refusal.property;
    let mut line = Inline::default().strong(property.verdict.word()).prose(" ").code(property.path.to_string());
    if let Some(place) = &property.origin {
        line = line.prose(", ").code(origin(report.places, place));
    }
    let line = notices::named(line.prose(": "), &refusal.devices, refusal.devices.len(), paper.limits.samples);
    let said = property.message.as_deref().unwrap_or("no reason given");
    Part::open(format!("{} {} {said}", property.verdict, property.path)).list([line.line_break().code(said)])
}

/// Step by step.
fn course(report: &RehearsalReport<'_>, paper: &Paper) -> Part {
    let steps = &report.rehearsal.steps;
    let (shown, more) = steps.split_at(steps.len().min(paper.limits.groups));
    let row = |step| {
        let (word, rest) = told(step);
        vec![Inline::of(words::length(step.at)), Inline::of(word), Inline::of(rest)]
    };
    let table =
        Table { head: vec![("after", true), ("step", false), ("", false)], rows: shown.iter().map(row).collect() };
    let part = Part::open("course").with(Piece::Table(table));
    match words::more(more.len(), "step") {
        Some(more) => part.say(Inline::of(more)),
        None => part,
    }
}
