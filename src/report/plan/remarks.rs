//! A plan as remarks on the lines of YAML that change devices.

use std::io;

use super::{PlanReport, devices, reason, values};
use crate::{
    plan::{Delta, Group, Why},
    report::{
        Paper, notices,
        remark::{Level, Remark},
        rollouts, rulings, words,
    },
};

pub(super) fn tell(
    report: &PlanReport<'_>,
    paper: &Paper,
    take: &mut dyn FnMut(&Remark<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let all = report.plan.groups.iter().flat_map(|group| group.deltas.iter().map(move |delta| (group, delta)));
    for (group, delta) in all.take(paper.limits.groups) {
        take(&remark(report, group, delta, paper.limits.samples))?;
    }
    rulings::remarks(&report.plan.rulings, paper, take)?;
    rollouts::remarks_of(report.plan.rollouts.states(), take)?;
    notices::remarks(&report.plan.notices, paper, take)
}

fn remark(report: &PlanReport<'_>, group: &Group, delta: &Delta, samples: usize) -> Remark<'static> {
    let (level, rule) = match delta.why {
        Why::Pending => (Level::Notice, "pending"),
        Why::Edited { .. } => (Level::Warning, "edited"),
        Why::Prune => (Level::Notice, "prune"),
        Why::Forbidden => (Level::Notice, "forbidden"),
    };
    let reason = reason(delta).map(|reason| format!("; {reason}")).unwrap_or_default();
    let names = devices(group, samples);
    Remark {
        level,
        rule,
        title: words::count(words::wide(group.devices.len()), "device"),
        message: format!("{}  {}{reason}\n{names}", delta.path, values(delta)),
        // A line of an earlier revision is no line of the files as they are.
        location: delta.origin.as_ref().filter(|_| delta.at.is_none()).and_then(|place| report.places.locate(place)),
        ..Remark::default()
    }
}
