//! A rehearsal for people at a terminal.

use std::io;

use super::{RehearsalReport, devices, told};
use crate::report::{
    Paper,
    escape::plain,
    paper::{BOLD, DIM, RED},
    places::origin,
    rollouts, rulings, words,
};

pub(super) fn write(report: &RehearsalReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let rehearsal = report.rehearsal;
    writeln!(out, "{} {}\n", paper.paint(BOLD, "Rehearsal with"), plain(&report.cast()))?;
    for step in rehearsal.steps.iter().take(paper.limits.groups) {
        let (word, rest) = told(step);
        writeln!(out, "{:>12}  {}  {}", words::length(step.at), paper.paint(BOLD, format!("{word:<7}")), plain(&rest))?;
    }
    match rehearsal.steps.len().saturating_sub(paper.limits.groups) {
        0 => {}
        n => writeln!(out, "… and {n} more steps, not shown here; --format json shows all")?,
    }
    writeln!(out)?;
    rollouts::write_text(&rehearsal.rollouts, paper, out)?;
    for refusal in rehearsal.refusals.iter().take(paper.limits.groups) {
        let property = &refusal.property;
        let (verdict, path) = (property.verdict.word(), plain(&property.path.to_string()));
        let names = devices(refusal, paper.limits.samples, plain);
        writeln!(out, "{}  {}  {names}", paper.paint(RED, verdict), paper.paint(BOLD, path))?;
        if let Some(place) = &property.origin {
            writeln!(out, "  {}", paper.paint(DIM, plain(&origin(report.places, place))))?;
        }
        writeln!(out, "  {}\n", plain(property.message.as_deref().unwrap_or("no reason given")))?;
    }
    rulings::text(&rehearsal.rulings, paper, out)?;
    let (fleet, revision) = (plain(&rehearsal.fleet), plain(words::short(&rehearsal.revision)));
    writeln!(out, "Fleet {fleet} at {revision}")?;
    writeln!(out, "{} {}", paper.paint(BOLD, "Rehearsal:"), plain(&report.summary()))
}
