//! Findings for a pull request.

use std::io;

use super::Findings;
use crate::{
    fleet::{Finding, Severity},
    report::{
        Paper, Places,
        escape::{code, prose},
        places::origin,
        words,
    },
};

pub(super) fn write(report: &Findings<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "**{}**", report.summary())?;
    let mut room = paper.limits.bytes;
    let mut shown = 0;
    for finding in report.findings.iter().take(paper.limits.groups) {
        let item = item(finding, report.places);
        let Some(left) = room.checked_sub(item.len()) else { break };
        if shown == 0 {
            writeln!(out)?;
        }
        room = left;
        shown += 1;
        out.write_all(item.as_bytes())?;
    }
    match report.findings.len() - shown {
        0 => Ok(()),
        left_out => writeln!(out, "\n… and {} not shown here.", words::count(words::wide(left_out), "finding")),
    }
}

fn item(finding: &Finding, places: &dyn Places) -> String {
    let word = match finding.severity {
        Severity::Warning => "warning",
        Severity::Error => "**error**",
    };
    let mut item = format!("- {word} {}: {}", code(finding.rule), prose(&finding.message));
    if let Some(place) = &finding.place {
        words::push(&mut item, format_args!(" ({})", code(&origin(places, place))));
    }
    if let Some(label) = &finding.label {
        words::push(&mut item, format_args!("  \n  {}", prose(label)));
    }
    for (place, words) in &finding.related {
        words::push(&mut item, format_args!("  \n  {} ({})", prose(words), code(&origin(places, place))));
    }
    if let Some(help) = &finding.help {
        words::push(&mut item, format_args!("  \n  *help:* {}", prose(help)));
    }
    item + "\n"
}
