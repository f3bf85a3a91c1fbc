//! What has come of carrying a plan out, and whether the devices have caught up.

mod json;
mod parts;
mod remarks;
mod text;

use std::{collections::BTreeMap, io};

pub(crate) use json::View;

use super::{
    page::Part,
    paper::{Paper, Report},
    remark::Remark,
    words,
};
use crate::{
    plan::{guard::Ruling, rollout::RolloutState},
    reconcile::{Converged, Outcome, Stopped},
    twin::DeviceId,
};

/// An outcome, to be told.
#[derive(Debug, Clone, Copy)]
pub struct OutcomeReport<'a> {
    /// The fleet's name.
    pub fleet: &'a str,
    /// The commit that the twins were to be brought to.
    pub revision: &'a str,
    /// What was written.
    pub outcome: &'a Outcome,
    /// Who has caught up, when that was waited for.
    pub converged: Option<&'a Converged>,
    /// What the guards said of the plan, and who let it pass.
    pub rulings: &'a [Ruling],
    /// How the rollouts stood before anything was written.
    pub rollouts: &'a [RolloutState],
}

/// The same trouble of one or many devices.
struct Trouble<'a> {
    /// One word: `failed`, `stale`, `rejected`, `waiting`.
    word: &'static str,
    /// What is wrong.
    reason: &'a str,
    /// Whose.
    devices: Vec<&'a DeviceId>,
}

impl Trouble<'_> {
    fn count(&self) -> String {
        words::count(words::wide(self.devices.len()), "device")
    }

    fn names(&self, most: usize, show: impl Fn(&str) -> String) -> String {
        words::named(self.devices.iter().copied(), self.devices.len(), most, show)
    }
}

const STALE: &str = "changed by somebody else in the meantime; run again to plan afresh";
const WAITING: &str = "has not answered yet";

impl<'a> OutcomeReport<'a> {
    /// What went wrong, by reason: that of most devices first within each kind.
    fn troubles(&self) -> Vec<Trouble<'a>> {
        let failed = self.outcome.failed.iter().map(|failure| (&*failure.reason, &failure.device));
        let mut troubles = by_reason("failed", failed);
        troubles.extend(by_reason("stale", self.outcome.stale.iter().map(|device| (STALE, device))));
        if let Some(converged) = self.converged {
            let said = converged.failed.iter().map(|(device, words)| (words.as_str(), device));
            troubles.extend(by_reason("device failed", said));
            troubles.extend(by_reason("waiting", converged.waiting.iter().map(|device| (WAITING, device))));
        }
        troubles
    }

    /// `12 applied, 2 adopted; 3 failed, 4 not attempted`.
    fn summary(&self) -> String {
        let Outcome { applied, adopted, unchanged, registered, not_attempted, .. } = *self.outcome;
        let done = words::parts([
            (applied, "applied"),
            (adopted, "adopted"),
            (unchanged, "unchanged"),
            (registered, "registered"),
        ]);
        let undone = words::parts([
            (words::wide(self.outcome.failed.len()), "failed"),
            (words::wide(self.outcome.stale.len()), "stale"),
            (not_attempted, "not attempted"),
        ]);
        match (done.is_empty(), undone.is_empty()) {
            (true, true) => "nothing to do".to_owned(),
            (false, true) => done,
            (true, false) => undone,
            (false, false) => format!("{done}; {undone}"),
        }
    }

    /// `12 of 14 devices; 1 failed, 1 waiting`.
    fn convergence(&self) -> Option<String> {
        let converged = self.converged?;
        let (done, failed, waiting) = (converged.done.len(), converged.failed.len(), converged.waiting.len());
        let total = words::count(words::wide(done + failed + waiting), "device");
        let undone = words::parts([(words::wide(failed), "failed"), (words::wide(waiting), "waiting")]);
        Some(if undone.is_empty() { format!("{done} of {total}") } else { format!("{done} of {total}; {undone}") })
    }

    /// Why the run ended early, and what to do.
    fn stopped(&self) -> Option<String> {
        Some(match self.outcome.stopped.as_ref()? {
            Stopped::Interrupted => "interrupted; run again to continue".to_owned(),
            Stopped::Hub(reason) => format!("{reason}; once that is mended, run again to continue"),
        })
    }
}

fn by_reason<'a>(word: &'static str, all: impl Iterator<Item = (&'a str, &'a DeviceId)>) -> Vec<Trouble<'a>> {
    let mut reasons: BTreeMap<&str, Vec<&DeviceId>> = BTreeMap::new();
    for (reason, device) in all {
        reasons.entry(reason).or_default().push(device);
    }
    let trouble = |(reason, devices)| Trouble { word, reason, devices };
    let mut troubles: Vec<_> = reasons.into_iter().map(trouble).collect();
    troubles.sort_by_key(|trouble| std::cmp::Reverse(trouble.devices.len()));
    troubles
}

impl Report for OutcomeReport<'_> {
    fn text(&self, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
        text::write(self, paper, out)
    }

    fn json(&self, out: &mut dyn io::Write) -> io::Result<()> {
        json::write(self, out)
    }

    fn parts(&self, paper: &Paper) -> Vec<Part> {
        parts::of(self, paper)
    }

    fn remarks(&self, paper: &Paper, take: &mut dyn FnMut(&Remark<'_>) -> io::Result<()>) -> io::Result<()> {
        remarks::tell(self, paper, take)
    }

    fn sum(&self) -> (&'static str, String) {
        let converged = self.convergence().map(|words| format!("; converged: {words}")).unwrap_or_default();
        ("Reconcile", self.summary() + &converged)
    }
}

#[cfg(test)]
mod tests;
