//! An explanation for people at a terminal: the documents first, then value by value, the strongest word on top.

use std::io;

use super::{ExplanationReport, asides, credit, role, said};
use crate::{
    fleet::resolve::{Explained, Role, Say},
    report::{
        Paper,
        escape::plain,
        paper::{BOLD, DIM, GREEN},
        places::origin,
        standing::style,
        words,
    },
};

/// Longest first line of a commit's message, in characters.
const SUBJECT: usize = 50;

pub(super) fn write(report: &ExplanationReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let device = paper.paint(BOLD, plain(report.device.as_str()));
    writeln!(out, "{device} in fleet {} {}\n", plain(report.fleet), report.revision_words())?;
    layers(report, paper, out)?;
    for value in &report.explanation.values {
        explained(report, value, paper, out)?;
    }
    Ok(())
}

fn layers(report: &ExplanationReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "{}", paper.paint(BOLD, "DOCUMENTS, strongest first"))?;
    let rows = report.explanation.layers.iter().map(|layer| {
        let priority = layer.priority.map_or_else(String::new, |priority| format!("priority {priority}"));
        let selects = match (layer.priority, &layer.condition) {
            (None, _) => "this device alone".to_owned(),
            (Some(_), Some(condition)) => format!("where {condition}"),
            (Some(_), None) => "every device".to_owned(),
        };
        [plain(&layer.source), priority, plain(&selects), plain(&origin(report.places, &layer.place))]
    });
    let rows: Vec<_> = rows.collect();
    let widths = widths(&rows);
    for [source, priority, selects, place] in &rows {
        let place = paper.paint(DIM, place);
        writeln!(
            out,
            "  {source:<w0$}  {priority:<w1$}  {selects:<w2$}  {place}",
            w0 = widths[0],
            w1 = widths[1],
            w2 = widths[2]
        )?;
    }
    writeln!(out)
}

fn explained(
    report: &ExplanationReport<'_>,
    value: &Explained,
    paper: &Paper,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let shown = said(&value.value, value.secret);
    let (path, shown) = (paper.paint(BOLD, plain(&value.path.to_string())), paper.paint(GREEN, shown));
    write!(out, "{path}  {shown}")?;
    let verdict = report.verdict(value);
    if let Some((verdict, _)) = verdict {
        write!(out, "  {}", paper.paint(style(verdict), verdict))?;
    }
    writeln!(out)?;
    says(report, value, paper, out)?;
    for (name, aside) in verdict.and_then(|(_, property)| property).map(asides).unwrap_or_default() {
        writeln!(out, "  {name:<8}  {}", plain(&aside))?;
    }
    writeln!(out)
}

fn says(report: &ExplanationReport<'_>, value: &Explained, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let rows: Vec<_> = value.says.iter().map(|say| row(report, value, say)).collect();
    let widths = widths(&rows);
    for (cells, say) in rows.iter().zip(&value.says) {
        let mut line = format!("  {:<8}", role(say.role));
        for (cell, width) in cells.iter().zip(widths) {
            if width > 0 {
                words::push(&mut line, format_args!("  {cell:<width$}"));
            }
        }
        let line = line.trim_end();
        match say.role {
            Role::Sets => writeln!(out, "{line}")?,
            Role::Agrees | Role::Overridden => writeln!(out, "{}", paper.paint(DIM, line))?,
        }
    }
    Ok(())
}

/// Source, what it says, the line, commit, day, author, subject. What it says is left out where it is the value itself.
fn row(report: &ExplanationReport<'_>, value: &Explained, say: &Say) -> [String; 7] {
    let says = match (&say.written, say.role) {
        (Some(written), Role::Overridden) => format!("{} from {written}", said(&say.value, say.secret)),
        (Some(written), _) => format!("from {written}"),
        (None, Role::Overridden) => said(&say.value, say.secret),
        (None, _) if say.value == value.value || value.secret => String::new(),
        (None, _) => said(&say.value, say.secret),
    };
    let (commit, day, name, subject) = report.author(say).map(credit).unwrap_or_default();
    let subject: String = if subject.chars().count() > SUBJECT {
        subject.chars().take(SUBJECT - 1).chain(['…']).collect()
    } else {
        subject.to_owned()
    };
    let place = origin(report.places, &say.place);
    [report.source(say).to_owned(), says, place, commit.into_owned(), day, name.to_owned(), subject]
        .map(|cell| plain(&cell))
}

fn widths<const N: usize>(rows: &[[String; N]]) -> [usize; N] {
    std::array::from_fn(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0))
}
