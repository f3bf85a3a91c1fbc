//! Rollouts for a pull request or a page.

use super::{RolloutsReport, columns, hold, took};
use crate::{
    plan::rollout::{RolloutState, WaveState},
    report::{
        Paper,
        chart::{Bar, Chart, Way},
        notices,
        page::{Inline, Part, Piece, Table},
        words,
    },
};

pub(super) fn of(report: &RolloutsReport<'_>, paper: &Paper) -> Vec<Part> {
    let (word, sum) = crate::report::Report::sum(report);
    let head = Part::first("sum").say(Inline::default().strong(format!("{word}:")).prose(format!(" {sum}")));
    let head = head.say(Inline::of(format!("Fleet {} at ", report.fleet)).code(words::short(report.revision)));
    std::iter::once(head).chain(rollouts(report.rollouts, paper)).collect()
}

/// Each rollout as a table of its waves, with a picture of them.
pub(in crate::report) fn rollouts(states: &[RolloutState], paper: &Paper) -> Vec<Part> {
    states.iter().take(paper.limits.groups).map(|state| rollout(state, paper)).collect()
}

fn rollout(state: &RolloutState, paper: &Paper) -> Part {
    let hold = hold(state).map(|hold| format!("; {hold}")).unwrap_or_default();
    let title = Inline::default().strong("Rollout").prose(" ").code(&*state.name);
    let part = Part::open(format!("rollout {}", state.name));
    let part = part.titled(title.prose(format!(": {}{hold}", state.phase.word())));
    let Some(first) = state.waves.first() else { return part };
    let mut head = vec![("wave", false), ("open", false)];
    head.extend(columns(first).map(|(name, _)| (name, true)));
    head.extend([("p50", true), ("p95", true), ("not compliant", false)]);
    let rows = state.waves.iter().map(|wave| row(wave, paper)).collect();
    part.with(Piece::Chart(by_wave(state))).with(Piece::Table(Table { head, rows }))
}

fn row(wave: &WaveState, paper: &Paper) -> Vec<Inline> {
    let mut cells = vec![Inline::default().code(&*wave.name), Inline::of(if wave.open { "yes" } else { "no" })];
    cells.extend(columns(wave).map(|(_, number)| Inline::of(number.to_string())));
    cells.extend(took(wave).map(Inline::of));
    let total = usize::try_from(wave.counts.devices - wave.counts.compliant).unwrap_or(usize::MAX);
    let outstanding = &wave.outstanding;
    let names = || notices::named(Inline::default(), outstanding, total, paper.limits.samples);
    cells.push(if outstanding.is_empty() { Inline::default() } else { names() });
    cells
}

/// How the devices of each wave stand.
fn by_wave(state: &RolloutState) -> Chart {
    let bar = |wave: &WaveState| {
        let counts = &wave.counts;
        let parts =
            [counts.compliant, counts.in_progress, counts.failed, counts.due, counts.outside_window, counts.held];
        Bar { name: wave.name.to_string(), parts: parts.to_vec() }
    };
    let key = vec!["compliant", "in-progress", "failed", "due", "outside-window", "held"];
    let title = format!("Devices by wave of {}", state.name);
    Chart { title, way: Way::Rows, bars: state.waves.iter().map(bar).collect(), key }
}
