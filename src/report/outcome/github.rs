//! An outcome in the log of a workflow.

use std::io;

use super::OutcomeReport;
use crate::report::{
    Paper,
    github::{Level, annotate},
};

pub(super) fn write(report: &OutcomeReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    for trouble in report.troubles().iter().take(paper.limits.groups) {
        let level = if trouble.word == "waiting" { Level::Warning } else { Level::Error };
        let title = format!("{}: {}", trouble.word, trouble.count());
        let message = format!("{}\n{}", trouble.reason, trouble.names(paper.limits.samples, str::to_owned));
        annotate(out, level, None, &title, &message)?;
    }
    if let Some(stopped) = report.stopped() {
        annotate(out, Level::Error, None, "stopped", &stopped)?;
    }
    if let Some(converged) = report.convergence() {
        annotate(out, Level::Notice, None, "Converged", &converged)?;
    }
    annotate(out, Level::Notice, None, "Reconcile", &report.summary())
}
