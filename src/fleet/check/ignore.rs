//! `expired-ignore`, `bad-date`: an ignore has an end, and then it ends.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::fleet::{finding::Finding, model::IgnoreSpec, site::Site};

/// The date of an entry's end, and whether it lies behind us.
pub(super) fn dates(site: Site<'_>, at: usize, ignore: &IgnoreSpec, findings: &mut Vec<Finding>) {
    let place = || site.value(format!("/spec/ignore/{at}/until"));
    match ignore.until.parse::<Date>() {
        Ok(until) if until < Timestamp::now().to_zoned(TimeZone::UTC).date() => {
            let message = format!("the ignore of `{}` ended on {until}: the path is managed again", ignore.path);
            let help = format!("remove the entry, or agree on a new date with {}", ignore.owner);
            findings.push(Finding::warning("expired-ignore", message).at(place()).help(help));
        }
        Ok(_) => {}
        Err(error) => findings.push(Finding::error("bad-date", format!("no such day: {error}")).at(place())),
    }
}
