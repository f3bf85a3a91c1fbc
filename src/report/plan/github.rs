//! A plan in the log of a workflow: an annotation at each line of YAML that changes devices.

use std::io;

use super::{PlanReport, devices, reason, values};
use crate::report::{
    Paper,
    github::{Level, annotate},
    notices, words,
};

pub(super) fn write(report: &PlanReport<'_>, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let mut room = paper.limits.groups;
    for group in &report.plan.groups {
        let count = words::count(words::wide(group.devices.len()), "device");
        for delta in group.deltas.iter() {
            if room == 0 {
                break;
            }
            room -= 1;
            let location = delta.origin.as_ref().and_then(|place| report.places.locate(place));
            let reason = reason(delta).map(|reason| format!("; {reason}")).unwrap_or_default();
            let names = devices(group, paper.limits.samples, str::to_owned);
            let message = format!("{}  {}{reason}\n{names}", delta.path, values(delta));
            let is_edit = matches!(delta.why, crate::plan::Why::Edited { .. });
            let level = if is_edit { Level::Warning } else { Level::Notice };
            annotate(out, level, location.as_ref(), &count, &message)?;
        }
    }
    notices::github(&report.plan.notices, paper, out)?;
    annotate(out, Level::Notice, None, "Plan", &report.summary())
}
