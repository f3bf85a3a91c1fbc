//! Findings as annotations of the lines at fault.

use std::io;

use super::Findings;
use crate::report::{
    Paper,
    github::{Level, annotate},
    places::origin,
    words,
};

pub(super) fn write(report: &Findings<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    for finding in report.findings.iter().take(paper.limits.groups) {
        let location = finding.place.as_ref().and_then(|place| report.places.locate(place));
        let mut message = finding.message.clone();
        for (place, words) in &finding.related {
            words::push(&mut message, format_args!("\n{words} ({})", origin(report.places, place)));
        }
        if let Some(help) = &finding.help {
            words::push(&mut message, format_args!("\nhelp: {help}"));
        }
        if let (None, Some(place)) = (&location, &finding.place) {
            words::push(&mut message, format_args!("\nin {}", place.file));
        }
        annotate(out, finding.severity.into(), location.as_ref(), finding.rule, &message)?;
    }
    let left_out = report.findings.len().saturating_sub(paper.limits.groups);
    if left_out > 0 {
        let message = format!("{} more", words::count(words::wide(left_out), "finding"));
        annotate(out, Level::Notice, None, "not shown", &message)?;
    }
    writeln!(out, "{}", report.summary())
}
