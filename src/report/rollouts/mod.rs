//! How rollouts stand: a report of its own, and a part of others.

mod json;
mod parts;
mod remarks;
#[cfg(test)]
pub(super) mod tests;
mod text;

use std::{io, time::Duration};

pub(crate) use json::{RolloutView, View};
pub(super) use parts::rollouts as parts_of;
pub(super) use remarks::tell as remarks_of;
pub(super) use text::rollouts as write_text;

use super::{
    page::Part,
    paper::{Paper, Report},
    remark::Remark,
    words,
};
use crate::plan::rollout::{RolloutState, WaveState};

/// Rollouts, to be told.
#[derive(Debug, Clone, Copy)]
pub struct RolloutsReport<'a> {
    /// The fleet's name.
    pub fleet: &'a str,
    /// The revision that is rolled out.
    pub revision: &'a str,
    /// How they stand.
    pub rollouts: &'a [RolloutState],
}

/// `wave rest: somebody has to approve it (since 2026-09-02T08:00:00Z)`.
fn hold(state: &RolloutState) -> Option<String> {
    let hold = state.hold.as_ref()?;
    let moment = |time: jiff::Timestamp| words::moment(&time.to_string()).map(std::borrow::Cow::into_owned);
    let since = hold.since.and_then(moment).map(|time| format!("since {time}"));
    let until = hold.until.and_then(moment).map(|time| format!("until {time}"));
    let times: Vec<_> = [since, until].into_iter().flatten().collect();
    let times = if times.is_empty() { String::new() } else { format!(" ({})", times.join(", ")) };
    Some(format!("wave {}: {}{times}", hold.wave, hold.reason))
}

/// The columns of a wave and their numbers.
fn columns(wave: &WaveState) -> [(&'static str, u64); 8] {
    let counts = &wave.counts;
    [
        ("devices", counts.devices),
        ("held", counts.held),
        ("outside window", counts.outside_window),
        ("due", counts.due),
        ("in progress", counts.in_progress),
        ("compliant", counts.compliant),
        ("failed", counts.failed),
        ("unreachable", counts.unreachable),
    ]
}

/// How long half of the devices took, and how long 95 of 100.
fn took(wave: &WaveState) -> [String; 2] {
    wave.took.map_or_else(|| ["-".to_owned(), "-".to_owned()], |took| [length(took.p50), length(took.p95)])
}

/// A length of time in the unit that suits it: `0.4 s`, `12 s`, `5 min`, `3 h`.
pub(crate) fn length(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{:.1} s", time.as_secs_f64()),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// `kiosk-1, kiosk-2, +7`, of the devices that are not compliant.
fn outstanding(wave: &WaveState, most: usize, show: impl Fn(&str) -> String) -> Option<String> {
    let total = usize::try_from(wave.counts.devices - wave.counts.compliant).unwrap_or(usize::MAX);
    let names = words::named(&wave.outstanding, total, most, show);
    (!wave.outstanding.is_empty()).then_some(names)
}

impl Report for RolloutsReport<'_> {
    fn text(&self, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
        text::write(self, paper, out)
    }

    fn json(&self, out: &mut dyn io::Write) -> io::Result<()> {
        json::write(self, out)
    }

    fn parts(&self, paper: &Paper) -> Vec<Part> {
        parts::of(self, paper)
    }

    fn remarks(&self, _: &Paper, take: &mut dyn FnMut(&Remark<'_>) -> io::Result<()>) -> io::Result<()> {
        remarks::tell(self.rollouts, take)
    }

    fn sum(&self) -> (&'static str, String) {
        let phases = self.rollouts.iter().map(|state| format!("{} {}", state.name, state.phase.word()));
        let phases: Vec<_> = phases.collect();
        ("Rollouts", if phases.is_empty() { "none".to_owned() } else { phases.join(", ") })
    }
}
