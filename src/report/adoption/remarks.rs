//! An adoption as remarks: of the lines that change, and of what stays drift.

use std::io;

use super::{AdoptionReport, change, home};
use crate::report::{
    Paper,
    remark::{Level, Remark},
    words,
};

pub(super) fn tell(
    report: &AdoptionReport<'_>,
    paper: &Paper,
    take: &mut dyn FnMut(&Remark<'_>) -> io::Result<()>,
) -> io::Result<()> {
    for one in report.adoption.adopted.iter().take(paper.limits.groups) {
        let (from, to) = change(one);
        let title = format!("adopted: {}", one.path);
        let message = format!("{from} -> {to}\n{}", home(one));
        let location = report.places.locate(&one.place);
        take(&Remark { level: Level::Notice, rule: "adopted", title, message, location, ..Remark::default() })?;
    }
    for rest in report.left().iter().take(paper.limits.groups) {
        let names = words::named(rest.devices.iter().copied(), rest.devices.len(), paper.limits.samples, str::to_owned);
        let title = format!("not adopted: {}", rest.path);
        let message = format!("{}\n{names}", rest.why);
        take(&Remark { level: Level::Warning, rule: "not-adopted", title, message, ..Remark::default() })?;
    }
    Ok(())
}
