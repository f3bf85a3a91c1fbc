//! Findings as remarks on the lines at fault.

use std::io;

use super::Findings;
use crate::report::{
    Paper,
    places::origin,
    remark::{Level, Remark},
    words,
};

pub(super) fn tell(
    report: &Findings<'_>,
    paper: &Paper,
    take: &mut dyn FnMut(&Remark<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let findings = report.findings.iter().take(paper.limits.groups).map(|finding| (finding, None));
    let waived = report.waived.iter().map(|waived| (&waived.finding, Some(&*waived.reason)));
    for (finding, waived) in findings.chain(waived.take(paper.limits.groups)) {
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
        let level = finding.severity.into();
        let places = finding.related.iter().filter_map(|(place, words)| Some((report.places.locate(place)?, &**words)));
        let (related, title) = (places.collect(), finding.rule.to_owned());
        take(&Remark { level, rule: finding.rule, title, message, location, related, waived })?;
    }
    let left_out = report.findings.len().saturating_sub(paper.limits.groups);
    if left_out == 0 {
        return Ok(());
    }
    let message = format!("{} more", words::count(words::wide(left_out), "finding"));
    take(&Remark {
        level: Level::Notice,
        rule: "not-shown",
        title: "not shown".into(),
        message,
        location: None,
        ..Remark::default()
    })
}
