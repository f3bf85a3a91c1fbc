//! How a rehearsal went: its course step by step, the rollouts at its end, and what devices refused.

mod json;
mod parts;
mod remarks;
#[cfg(test)]
mod tests;
mod text;

use std::io;

pub(crate) use json::View;

use super::{
    Places,
    page::Part,
    paper::{Paper, Report},
    remark::Remark,
    words,
};
use crate::reconcile::rehearsal::{Cast, End, Origin, Refusal, Rehearsal, Step, WaveShare, What};

/// A rehearsal, to be told.
#[derive(Clone, Copy)]
pub struct RehearsalReport<'a> {
    /// How it went.
    pub rehearsal: &'a Rehearsal,
    /// The files of the revision.
    pub places: &'a dyn Places,
}

impl RehearsalReport<'_> {
    fn summary(&self) -> String {
        let told = self.rehearsal;
        let length = words::length(told.length);
        let end = match told.end {
            End::Done => format!("done after {length}"),
            End::Refused => format!("a guard stops it after {length}"),
            End::Paused => format!("a gate pauses it after {length}"),
            End::Rejected => format!("a gate takes it back after {length}"),
            End::Held => format!("held after {length}"),
        };
        let refused = words::wide(told.refused());
        let refused = (refused > 0).then(|| format!("{} refused something", words::count(refused, "device")));
        let failed = words::wide(told.failed());
        let failed = (failed > 0).then(|| format!("the hub refused {}", words::count(failed, "write")));
        [Some(end), refused, failed].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// `120 devices of the hub, 3 of them not connected; a sample of 100,000`.
    fn cast(&self) -> String {
        let Cast { devices, offline, sample_of, from } = self.rehearsal.cast;
        let from = match from {
            Origin::Documents => "as the repository declares them",
            Origin::Snapshot => "of the snapshot",
            Origin::Hub => "of the hub",
        };
        let mut told = format!("{} {from}", words::count_grouped(devices, "device"));
        if offline > 0 {
            words::push(&mut told, format_args!(", {offline} of them not connected"));
        }
        if let Some(all) = sample_of {
            words::push(&mut told, format_args!("; a sample of {}", words::count_grouped(all, "device")));
        }
        told
    }
}

/// One word for a step, and the rest of it.
fn told(step: &Step) -> (&'static str, String) {
    match &step.what {
        What::Prepared { devices } => {
            ("begin", format!("{} brought to where it begins", words::count(*devices, "device")))
        }
        What::Wrote { applied, adopted, failed, waves, takes } => {
            let failed = words::wide(failed.len());
            let done = words::parts([(*applied, "written"), (*adopted, "adopted"), (failed, "refused by the hub")]);
            let waves: Vec<String> = waves.iter().map(share).collect();
            let waves = if waves.is_empty() { String::new() } else { format!(": {}", waves.join(", ")) };
            let takes = takes.map(|takes| format!("; takes {} at least", words::length(takes)));
            ("write", format!("{done}{waves}{}", takes.unwrap_or_default()))
        }
        What::Answered { done, failed, silent } => {
            let all = words::parts([(*done, "done"), (*failed, "refused it"), (*silent, "said nothing")]);
            ("answer", if all.is_empty() { "nobody was connected".to_owned() } else { all })
        }
        What::Waited { rollout, wave, reason, length } => {
            ("wait", format!("{} for {rollout}/{wave}: {reason}", words::length(*length)))
        }
        What::Approved { rollout, wave } => {
            ("approve", format!("{rollout}/{wave} has to be approved; taken as given here"))
        }
        What::WentBack { devices } => {
            ("back", format!("{} went back to the commit before", words::count(*devices, "device")))
        }
    }
}

fn share(share: &WaveShare) -> String {
    format!("{}/{} {}", share.rollout, share.wave, share.devices)
}

fn devices(refusal: &Refusal, most: usize, show: impl Fn(&str) -> String) -> String {
    let names = words::named(&refusal.devices, refusal.devices.len(), most, show);
    format!("{}: {names}", words::count(words::wide(refusal.devices.len()), "device"))
}

impl Report for RehearsalReport<'_> {
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
        ("Rehearsal", self.summary())
    }
}
