//! `selects-nothing` of rollouts and their waves.

use crate::fleet::{
    Finding, Fleet,
    resolve::{Governed, pointer},
};

/// Which conditions of rollouts have selected a device.
#[derive(Debug)]
pub(super) struct Selecting(Vec<Seen>);

/// Of one rollout.
#[derive(Debug, Clone, Copy)]
struct Seen {
    any: bool,
    /// A bit for each wave.
    waves: u64,
    all: u64,
}

impl Selecting {
    pub(super) fn new(fleet: &Fleet) -> Self {
        let all = |waves: usize| u64::MAX >> (64 - waves.clamp(1, 64));
        let seen = fleet.rollouts.iter().map(|rollout| Seen { any: false, waves: 0, all: all(rollout.waves.len()) });
        Self(seen.collect())
    }

    pub(super) fn take(&mut self, device: Option<Governed>) {
        if let Some((governed, seen)) =
            device.and_then(|governed| Some((governed.waves, self.0.get_mut(governed.rollout)?)))
        {
            seen.any = true;
            seen.waves |= governed;
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (here, there) in self.0.iter_mut().zip(other.0) {
            here.any |= there.any;
            here.waves |= there.waves;
        }
    }

    /// Whether nothing is left to be found.
    pub(super) fn all(&self) -> bool {
        self.0.iter().all(|seen| seen.any && seen.waves == seen.all)
    }

    /// Rollouts that govern nobody, and waves of the others whose `where` nobody satisfies. A slice of a hash may be
    /// empty in a small fleet.
    pub(super) fn findings(&self, fleet: &Fleet, devices: u64) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (rollout, seen) in fleet.rollouts.iter().zip(&self.0) {
            let mut tell = |what: String, at: &str| {
                let message = format!("{what} selects none of the devices that are there ({devices})");
                let place = pointer::place(&rollout.document, at);
                let help = "mend `where`, or remove what selects nothing";
                findings.push(Finding::warning("selects-nothing", message).at(place).help(help));
            };
            if !seen.any {
                let at = if rollout.condition.is_some() { "/spec/where" } else { "/kind" };
                tell(format!("the rollout `{}`", rollout.name), at);
                continue;
            }
            for (at, wave) in rollout.waves.iter().enumerate() {
                if wave.condition.is_some() && seen.waves & (1 << at) == 0 {
                    let what = format!("the wave `{}` of the rollout `{}`", wave.name, rollout.name);
                    tell(what, &format!("/spec/waves/{at}/where"));
                }
            }
        }
        findings
    }
}
