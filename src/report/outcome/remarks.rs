//! An outcome as remarks; none has a line.

use std::io;

use super::OutcomeReport;
use crate::report::{
    Paper,
    remark::{Level, Remark},
    rulings,
};

pub(super) fn tell(
    report: &OutcomeReport<'_>,
    paper: &Paper,
    take: &mut dyn FnMut(&Remark<'_>) -> io::Result<()>,
) -> io::Result<()> {
    for trouble in report.troubles().iter().take(paper.limits.groups) {
        let level = if trouble.word == "waiting" { Level::Warning } else { Level::Error };
        let title = format!("{}: {}", trouble.word, trouble.count());
        let message = format!("{}\n{}", trouble.reason, trouble.names(paper.limits.samples, str::to_owned));
        take(&Remark { level, rule: trouble.word, title, message, location: None, ..Remark::default() })?;
    }
    rulings::remarks(report.rulings, paper, take)?;
    match report.stopped() {
        None => Ok(()),
        Some(message) => take(&Remark {
            level: Level::Error,
            rule: "stopped",
            title: "stopped".into(),
            message,
            location: None,
            ..Remark::default()
        }),
    }
}
