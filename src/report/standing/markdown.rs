//! A standing for an issue or a pull request: the sum first, the rest folded away.

use std::io;

use super::{
    StandingReport,
    fold::{Fold, fold},
    meaning, message, values,
};
use crate::report::{
    Paper,
    escape::{code, html, prose},
    notices,
    places::origin,
    rollouts, words,
};

pub(super) fn write(report: &StandingReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let (word, summary) = report.summary();
    writeln!(out, "**{word}** {summary}")?;
    let standing = report.standing;
    writeln!(out, "\nFleet {} at {}\n", prose(&standing.fleet), code(words::short(&standing.revision)))?;
    writeln!(out, "| verdict | devices | properties | |\n| --- | ---: | ---: | --- |")?;
    for (verdict, devices, properties) in report.counts() {
        writeln!(out, "| {verdict} | {devices} | {properties} | {} |", meaning(verdict))?;
    }
    rollouts::write_markdown(&standing.rollouts, paper, out)?;
    notices::markdown(&standing.notices, paper, out)?;
    folds(report, paper, out)?;
    for (n, (path, devices)) in standing.ignored.iter().take(paper.limits.groups).enumerate() {
        let gap = if n == 0 { "\n" } else { "" };
        writeln!(out, "{gap}- ignored: {} on {}", code(path), words::count(*devices, "device"))?;
    }
    Ok(())
}

fn folds(report: &StandingReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let folds = fold(report.standing, paper.limits.samples, |verdict| report.lens.lists(verdict, paper.detail));
    let mut room = paper.limits.bytes;
    let mut shown = 0;
    for fold in folds.iter().take(paper.limits.groups) {
        let block = block(report, fold);
        let Some(left) = room.checked_sub(block.len()) else { break };
        room = left;
        shown += 1;
        out.write_all(block.as_bytes())?;
    }
    match folds.len() - shown {
        0 => {}
        n => writeln!(out, "\n… and {}, not shown here.", words::count(words::wide(n), "more group"))?,
    }
    match report.on_their_way(paper.detail) {
        Some(unlisted) => writeln!(out, "\n{unlisted}, not listed here."),
        None => Ok(()),
    }
}

fn block(report: &StandingReport<'_>, fold: &Fold<'_>) -> String {
    let count = words::count(words::wide(fold.devices), "device");
    let (verdict, path) = (fold.of.verdict, html(&fold.of.path.to_string()));
    let mut block = format!("\n<details><summary>{verdict}, {count}: <code>{path}</code></summary>\n\n");
    words::push(&mut block, format_args!("{}\n\n", fold.names(code)));
    for (name, value) in values(fold) {
        words::push(&mut block, format_args!("- {name}: {}\n", code(&value.line())));
    }
    if let Some(place) = &fold.of.origin {
        words::push(&mut block, format_args!("- declared in {}\n", code(&origin(report.places, place))));
    }
    if let Some(message) = message(fold.of) {
        words::push(&mut block, format_args!("- the device says: {}\n", code(&message)));
    }
    if let Some(by) = &fold.of.by {
        words::push(&mut block, format_args!("- written by configuration {}\n", code(by)));
    }
    if let Some(age) = fold.age() {
        words::push(&mut block, format_args!("- {}\n", prose(&age)));
    }
    block + "\n</details>\n"
}
