//! A standing in the log of a workflow: an annotation at each line of YAML that devices do not follow.

use std::io;

use super::{StandingReport, fold::fold, message, values};
use crate::report::{
    Paper,
    github::{Level, annotate},
    notices, words,
};

pub(super) fn write(report: &StandingReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let folds = fold(report.standing, report.lens, paper.limits.samples);
    for fold in folds.iter().take(paper.limits.groups) {
        let location = fold.of.origin.as_ref().and_then(|place| report.places.locate(place));
        let title = format!("{}: {}", fold.of.verdict, words::count(words::wide(fold.devices), "device"));
        let values: Vec<_> = values(fold).iter().map(|(name, value)| format!("{name} {}", value.line())).collect();
        let mut text = format!("{}  {}\n{}", fold.of.path, values.join(", "), fold.names(str::to_owned));
        for said in [message(fold.of), fold.age().map(Into::into)].into_iter().flatten() {
            words::push(&mut text, format_args!("\n{said}"));
        }
        let level = if fold.of.verdict.is_drift() { Level::Warning } else { Level::Notice };
        annotate(out, level, location.as_ref(), &title, &text)?;
    }
    notices::github(&report.standing.notices, paper, out)?;
    let (word, summary) = report.summary();
    annotate(out, Level::Notice, None, word.trim_end_matches(':'), &summary)
}
