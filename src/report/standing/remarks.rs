//! A standing as remarks on the lines of YAML that devices do not follow.

use std::io;

use super::{
    StandingReport,
    fold::{Fold, fold},
    message, values,
};
use crate::report::{
    Paper, notices,
    remark::{Level, Remark},
    rollouts, words,
};

pub(super) fn tell(
    report: &StandingReport<'_>,
    paper: &Paper,
    take: &mut dyn FnMut(&Remark<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let folds = fold(report.standing, paper.limits.samples, |verdict| report.lens.shows(verdict));
    for fold in folds.iter().take(paper.limits.groups) {
        take(&remark(report, fold))?;
    }
    rollouts::remarks_of(&report.standing.rollouts, take)?;
    notices::remarks(&report.standing.notices, paper, take)
}

fn remark(report: &StandingReport<'_>, fold: &Fold<'_>) -> Remark<'static> {
    let values: Vec<_> = values(fold).iter().map(|(name, value)| format!("{name} {}", value.line())).collect();
    let mut text = format!("{}  {}\n{}", fold.of.path, values.join(", "), fold.names(str::to_owned));
    for said in [message(fold.of), fold.age().map(Into::into)].into_iter().flatten() {
        words::push(&mut text, format_args!("\n{said}"));
    }
    Remark {
        level: if fold.of.verdict.is_drift() { Level::Error } else { Level::Notice },
        rule: fold.of.verdict.word(),
        title: format!("{}: {}", fold.of.verdict, words::count(words::wide(fold.devices), "device")),
        message: text,
        location: fold.of.origin.as_ref().and_then(|place| report.places.locate(place)),
        ..Remark::default()
    }
}
