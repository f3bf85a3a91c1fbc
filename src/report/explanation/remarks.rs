//! An explanation as remarks on the lines that set the values.

use std::io;

use super::{ExplanationReport, asides, credit, role, said};
use crate::{
    fleet::resolve::Explained,
    plan::Verdict,
    report::{
        Paper,
        remark::{Level, Remark},
        words,
    },
};

pub(super) fn tell(
    report: &ExplanationReport<'_>,
    paper: &Paper,
    take: &mut dyn FnMut(&Remark<'_>) -> io::Result<()>,
) -> io::Result<()> {
    report.explanation.values.iter().take(paper.limits.groups).try_for_each(|value| take(&remark(report, value)))
}

fn remark(report: &ExplanationReport<'_>, value: &Explained) -> Remark<'static> {
    let verdict = report.verdict(value);
    let word = verdict.map_or("explanation", |(verdict, _)| verdict.word());
    let mut message = format!("{}  {}", value.path, said(&value.value, value.secret));
    for say in &value.says {
        let line = format!("{} {} {}", role(say.role), report.source(say), said(&say.value, say.secret));
        words::push(&mut message, format_args!("\n{line}"));
        if let Some((commit, day, name, _)) = report.author(say).map(credit) {
            let credit = format!(" {commit} {day} {name}");
            message.push_str(credit.trim_end());
        }
    }
    for (name, aside) in verdict.and_then(|(_, property)| property).map(asides).unwrap_or_default() {
        words::push(&mut message, format_args!("\n{name} {aside}"));
    }
    Remark {
        level: if verdict.is_some_and(|(verdict, _)| Verdict::is_drift(verdict)) {
            Level::Error
        } else {
            Level::Notice
        },
        rule: word,
        title: format!("{}: {word}", report.device),
        message,
        location: value.says.first().and_then(|say| report.places.locate(&say.place)),
        ..Remark::default()
    }
}
