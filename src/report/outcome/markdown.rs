//! An outcome for a pull request.

use std::io;

use super::OutcomeReport;
use crate::report::{
    Paper,
    escape::{code, prose},
    words,
};

pub(super) fn write(report: &OutcomeReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "**Reconcile:** {}", report.summary())?;
    if let Some(converged) = report.convergence() {
        writeln!(out, "\n**Converged:** {converged}")?;
    }
    writeln!(out, "\nFleet {} at {}", prose(report.fleet), code(words::short(report.revision)))?;
    if let Some(stopped) = report.stopped() {
        writeln!(out, "\nStopped: {}", prose(&stopped))?;
    }
    let troubles = report.troubles();
    let mut room = paper.limits.bytes;
    let mut shown = 0;
    for trouble in troubles.iter().take(paper.limits.groups) {
        let names = trouble.names(paper.limits.samples, code);
        let gap = if shown == 0 { "\n" } else { "" };
        let item = format!("{gap}- **{}**, {}: {names}  \n  {}\n", trouble.word, trouble.count(), code(trouble.reason));
        let Some(left) = room.checked_sub(item.len()) else { break };
        room = left;
        shown += 1;
        out.write_all(item.as_bytes())?;
    }
    match troubles.len() - shown {
        0 => Ok(()),
        n => writeln!(out, "\n… and {}, not shown here.", words::count(words::wide(n), "more group")),
    }
}
