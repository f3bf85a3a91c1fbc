//! An outcome for people at a terminal: below its plan, which names the fleet.

use std::io;

use super::OutcomeReport;
use crate::report::{
    Paper,
    escape::plain,
    paper::{BOLD, RED, YELLOW},
    words,
};

pub(super) fn write(report: &OutcomeReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let troubles = report.troubles();
    for trouble in troubles.iter().take(paper.limits.groups) {
        let style = if trouble.word == "waiting" { YELLOW } else { RED };
        let names = trouble.names(paper.limits.samples, plain);
        writeln!(out, "{}  {}: {names}", paper.paint(style, trouble.word), trouble.count())?;
        writeln!(out, "  {}\n", plain(trouble.reason))?;
    }
    if let Some(rest) = troubles.get(paper.limits.groups..).filter(|rest| !rest.is_empty()) {
        let more = words::count(words::wide(rest.len()), "more group");
        writeln!(out, "… and {more}, not shown here; --format json shows all\n")?;
    }
    if let Some(stopped) = report.stopped() {
        writeln!(out, "{} {}", paper.paint(RED, "stopped:"), plain(&stopped))?;
    }
    writeln!(out, "{} {}", paper.paint(BOLD, "Reconcile:"), report.summary())?;
    match report.convergence() {
        Some(converged) => writeln!(out, "{} {converged}", paper.paint(BOLD, "Converged:")),
        None => Ok(()),
    }
}
