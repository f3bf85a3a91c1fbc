//! An explanation for an issue or a pull request: one table a value.

use std::io;

use super::{ExplanationReport, asides, credit, role, said};
use crate::{
    fleet::resolve::{Explained, Say},
    report::{
        Paper,
        escape::{code, prose},
        places::origin,
        words,
    },
};

pub(super) fn write(report: &ExplanationReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let (device, fleet) = (code(report.device.as_str()), prose(report.fleet));
    writeln!(out, "**{device}** in fleet {fleet} {}\n", report.revision_words())?;
    writeln!(out, "| document | priority | selects | |\n| --- | ---: | --- | --- |")?;
    for layer in &report.explanation.layers {
        let selects = match (layer.priority, &layer.condition) {
            (None, _) => "this device alone".to_owned(),
            (Some(_), Some(condition)) => cell(&code(condition)),
            (Some(_), None) => "every device".to_owned(),
        };
        let priority = layer.priority.map(|priority| priority.to_string()).unwrap_or_default();
        let place = code(&origin(report.places, &layer.place));
        writeln!(out, "| {} | {priority} | {selects} | {place} |", code(&layer.source))?;
    }
    let mut room = paper.limits.bytes;
    for (at, value) in report.explanation.values.iter().enumerate() {
        let block = block(report, value);
        let Some(left) = room.checked_sub(block.len()) else {
            let more = words::wide(report.explanation.values.len() - at);
            return writeln!(out, "\n… and {}, not shown here.", words::count(more, "more value"));
        };
        room = left;
        out.write_all(block.as_bytes())?;
    }
    Ok(())
}

fn block(report: &ExplanationReport<'_>, value: &Explained) -> String {
    let shown = code(&said(&value.value, value.secret));
    let verdict = report.verdict(value);
    let word = verdict.map(|(verdict, _)| format!(" {verdict}")).unwrap_or_default();
    let mut block = format!("\n{}: {shown}{word}\n\n", code(&value.path.to_string()));
    block.push_str("| | document | value | line | commit | author |\n| --- | --- | --- | --- | --- | --- |\n");
    for say in &value.says {
        block.push_str(&line(report, say));
    }
    let asides = verdict.and_then(|(_, property)| property).map(asides).unwrap_or_default();
    for (n, (name, aside)) in asides.iter().enumerate() {
        let gap = if n == 0 { "\n" } else { "" };
        words::push(&mut block, format_args!("{gap}- {name}: {}\n", code(aside)));
    }
    block
}

fn line(report: &ExplanationReport<'_>, say: &Say) -> String {
    let (commit, day, name, subject) = report.author(say).map(credit).unwrap_or_default();
    let written = say.written.as_deref().map(|written| format!(" from {}", code(written))).unwrap_or_default();
    let commit = if commit.is_empty() { String::new() } else { format!("{} {}", code(&commit), prose(subject)) };
    let cells = [
        role(say.role).to_owned(),
        code(report.source(say)),
        code(&said(&say.value, say.secret)) + &written,
        code(&origin(report.places, &say.place)),
        commit.trim_end().to_owned(),
        format!("{} {day}", prose(name)).trim().to_owned(),
    ];
    format!("| {} |\n", cells.map(|text| cell(&text)).join(" | "))
}

/// A bar would end the cell, in code as well.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
