//! A rehearsal as remarks: of what devices refused, what guards stop, and rollouts that came to no end.

use std::io;

use super::{RehearsalReport, devices};
use crate::report::{
    Paper,
    remark::{Level, Remark},
    rollouts, rulings,
};

pub(super) fn tell(
    report: &RehearsalReport<'_>,
    paper: &Paper,
    take: &mut dyn FnMut(&Remark<'_>) -> io::Result<()>,
) -> io::Result<()> {
    for refusal in report.rehearsal.refusals.iter().take(paper.limits.groups) {
        let property = &refusal.property;
        let said = property.message.as_deref().unwrap_or("no reason given");
        let message = format!("{said}\n{}", devices(refusal, paper.limits.samples, str::to_owned));
        let title = format!("{} in the rehearsal: {}", property.verdict, property.path);
        let location = property.origin.as_ref().and_then(|place| report.places.locate(place));
        let rule = property.verdict.word();
        take(&Remark { level: Level::Error, rule, title, message, location, ..Remark::default() })?;
    }
    rulings::remarks(&report.rehearsal.rulings, paper, take)?;
    rollouts::remarks_of(&report.rehearsal.rollouts, take)
}
