//! Rollouts for a pull request.

use std::io;

use super::{RolloutsReport, columns, hold, outstanding, took};
use crate::{
    plan::rollout::RolloutState,
    report::{
        Paper,
        escape::{code, prose},
        words,
    },
};

pub(super) fn write(report: &RolloutsReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let (word, sum) = crate::report::Report::sum(report);
    writeln!(out, "**{word}:** {}", prose(&sum))?;
    writeln!(out, "\nFleet {} at {}", prose(report.fleet), code(words::short(report.revision)))?;
    rollouts(report.rollouts, paper, out)
}

/// Each rollout as a table of its waves.
pub(in crate::report) fn rollouts(states: &[RolloutState], paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    for state in states.iter().take(paper.limits.groups) {
        let hold = hold(state).map(|hold| format!("; {}", prose(&hold))).unwrap_or_default();
        writeln!(out, "\n**Rollout** {}: {}{hold}\n", code(&state.name), state.phase.word())?;
        let Some(first) = state.waves.first() else { continue };
        let names = columns(first).map(|(name, _)| format!(" {name} |")).concat();
        writeln!(out, "| wave | open |{names} p50 | p95 | not compliant |")?;
        writeln!(out, "| --- | --- |{} ---: | ---: | --- |", " ---: |".repeat(columns(first).len()))?;
        for wave in &state.waves {
            let open = if wave.open { "yes" } else { "no" };
            let numbers = columns(wave).map(|(_, number)| format!(" {number} |")).concat();
            let ([p50, p95], name) = (took(wave), code(&wave.name));
            let names = outstanding(wave, paper.limits.samples, code).unwrap_or_default();
            writeln!(out, "| {name} | {open} |{numbers} {p50} | {p95} | {names} |")?;
        }
    }
    Ok(())
}
