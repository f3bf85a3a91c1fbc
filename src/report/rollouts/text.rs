//! Rollouts for people at a terminal.

use std::io;

use super::{RolloutsReport, columns, hold, outstanding, took};
use crate::{
    plan::rollout::{Phase, RolloutState, WaveState},
    report::{
        Paper,
        escape::plain,
        paper::{BOLD, DIM, GREEN, RED, YELLOW},
        words,
    },
};

pub(super) fn write(report: &RolloutsReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    rollouts(report.rollouts, paper, out)?;
    let (fleet, revision) = (plain(report.fleet), plain(words::short(report.revision)));
    writeln!(out, "Fleet {fleet} at {revision}")?;
    let (word, sum) = crate::report::Report::sum(report);
    writeln!(out, "{} {}", paper.paint(BOLD, format_args!("{word}:")), plain(&sum))
}

/// Each rollout with a line for each wave, and an empty line.
pub(in crate::report) fn rollouts(states: &[RolloutState], paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    for state in states.iter().take(paper.limits.groups) {
        let style = match state.phase {
            Phase::Done => GREEN,
            Phase::Rolling => YELLOW,
            Phase::Paused | Phase::Rejected => RED,
        };
        let (name, phase) = (plain(&state.name), paper.paint(style, state.phase.word()));
        writeln!(out, "{} {name}: {phase}", paper.paint(BOLD, "Rollout"))?;
        if let Some(hold) = hold(state) {
            writeln!(out, "  {}", plain(&hold))?;
        }
        waves(&state.waves, paper, out)?;
        writeln!(out)?;
    }
    Ok(())
}

fn waves(waves: &[WaveState], paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let width = waves.iter().map(|wave| plain(&wave.name).chars().count()).max().unwrap_or(0).max(4);
    let Some(first) = waves.first() else { return Ok(()) };
    let names = columns(first).map(|(name, _)| format!("  {}", name.to_uppercase())).concat();
    let heading = format!("  {:<width$}  OPEN{names}  {:>7}  {:>7}", "WAVE", "P50", "P95");
    writeln!(out, "{}", paper.paint(BOLD, heading))?;
    for wave in waves {
        let open = if wave.open { "yes" } else { "no" };
        let numbers = columns(wave).map(|(name, number)| format!("  {number:>width$}", width = name.len())).concat();
        let [p50, p95] = took(wave);
        writeln!(out, "  {:<width$}  {open:<4}{numbers}  {p50:>7}  {p95:>7}", plain(&wave.name))?;
        // That devices wait their turn is no news.
        let is_news = wave.counts.devices > wave.counts.held + wave.counts.compliant;
        if let Some(names) = outstanding(wave, paper.limits.samples, plain).filter(|_| is_news || paper.detail) {
            writeln!(out, "  {}", paper.paint(DIM, format_args!("{:<width$}  not compliant: {names}", "")))?;
        }
    }
    Ok(())
}
