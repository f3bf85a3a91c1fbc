//! `expired-ignore`, `bad-date`: an ignore has an end, and then it ends. `unused-ignore`: one inside another.

use jiff::civil::Date;

use super::today;
use crate::{
    fleet::{
        finding::{Finding, Place},
        model::IgnoreSpec,
        site::Site,
    },
    twin::PropertyPath,
};

/// The date of an entry's end, and whether it lies behind us.
pub(super) fn dates(site: Site<'_>, at: usize, ignore: &IgnoreSpec, findings: &mut Vec<Finding>) {
    let place = || site.value(format!("/spec/ignore/{at}/until"));
    if let Some(until) = ended(&ignore.until, place(), findings) {
        let message = format!("the ignore of `{}` ended on {until}: the path is managed again", ignore.path);
        let help = format!("remove the entry, or agree on a new date with {}", ignore.owner);
        findings.push(Finding::warning("expired-ignore", message).at(place()).help(help));
    }
}

/// The last day of something that has an end, if it lies behind us. A text that is no day is told.
pub(super) fn ended(until: &str, place: Place, findings: &mut Vec<Finding>) -> Option<Date> {
    match until.parse::<Date>() {
        Ok(until) => (until < today()).then_some(until),
        Err(error) => {
            findings.push(Finding::error("bad-date", format!("no such day: {error}")).at(place));
            None
        }
    }
}

/// Entries that lie inside another one which lasts at least as long.
pub(super) fn covered(site: Site<'_>, ignores: &[IgnoreSpec], findings: &mut Vec<Finding>) {
    let read =
        |ignore: &IgnoreSpec| Some((ignore.path.parse::<PropertyPath>().ok()?, ignore.until.parse::<Date>().ok()?));
    let entries: Vec<_> = ignores.iter().map(read).collect();
    for (at, entry) in entries.iter().enumerate() {
        let Some((path, until)) = entry else { continue };
        // Of two equal entries the second is one too many.
        let covers = |(other, entry): &(usize, &Option<(PropertyPath, Date)>)| {
            *other != at
                && entry.as_ref().is_some_and(|(wide, end)| {
                    path.is_within(wide) && end >= until && ((wide, end) != (path, until) || *other < at)
                })
        };
        if let Some((other, Some((wide, _)))) = entries.iter().enumerate().find(covers) {
            let message = format!("the ignore of `{path}` adds nothing to that of `{wide}`");
            let place = |at: usize| site.value(format!("/spec/ignore/{at}/path"));
            let finding = Finding::warning("unused-ignore", message).at(place(at)).help("remove the entry");
            findings.push(finding.with(place(other), "this one holds for it"));
        }
    }
}
