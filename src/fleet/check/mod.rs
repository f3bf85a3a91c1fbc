//! What is wrong with a document though its shape is right: a file for each thing that is looked at. What the rules
//! demand and why stands in [`rule`](crate::fleet::rule).

mod approval;
mod component;
mod condition;
mod exemption;
mod ignore;
mod path;
mod percent;
mod reference;
mod reserved;
mod rollout;
mod secret;
mod texts;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    finding::Finding,
    model::{Fleet, FleetSpec},
    model_rollout::{ApprovalSpec, RolloutSpec},
    schema::Components,
    site::Site,
};
use crate::twin::Map;

pub(super) use condition::condition;

/// Today in UTC: what has an end ends everywhere at once.
pub(super) fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// The rules for a `Fleet`.
pub(super) fn fleet(site: Site<'_>, name: &str, spec: &FleetSpec, findings: &mut Vec<Finding>) {
    reserved::fleet_name(site, name, findings);
    percent::guard(site, spec, findings);
    path::protect(site, spec, findings);
    for (at, ignore) in spec.ignore.iter().enumerate() {
        path::ignore(site, at, ignore, findings);
        ignore::dates(site, at, ignore, findings);
    }
    ignore::covered(site, &spec.ignore, findings);
    exemption::check(site, spec, findings);
    texts::each(&spec.vars, "/spec/vars", |way, key, text| secret::check(site, way, key, text, findings));
}

/// The rules for the desired properties of a profile or a device.
pub(super) fn desired(site: Site<'_>, desired: &Map, components: &Components, findings: &mut Vec<Finding>) {
    const AT: &str = "/spec/desired";
    reserved::member(site, AT, desired, findings);
    component::check(site, AT, desired, components, findings);
    texts::each(desired, AT, |way, key, text| {
        reference::check(site, way, text, findings);
        secret::check(site, way, key, text, findings);
    });
}

/// The rules for the tags of a device.
pub(super) fn tags(site: Site<'_>, tags: &Map, findings: &mut Vec<Finding>) {
    const AT: &str = "/spec/tags";
    reserved::member(site, AT, tags, findings);
    texts::each(tags, AT, |way, key, text| {
        reference::check(site, way, text, findings);
        secret::check(site, way, key, text, findings);
    });
}

/// The rules for a rollout.
pub(super) fn rollout(site: Site<'_>, spec: &RolloutSpec, findings: &mut Vec<Finding>) {
    rollout::check(site, spec, findings);
}

/// The rules for one approval.
pub(super) fn approval(site: Site<'_>, spec: &ApprovalSpec, findings: &mut Vec<Finding>) {
    approval::date(site, spec, findings);
}

/// The rules for the approvals of a fleet.
pub(super) fn approvals(fleet: &Fleet, findings: &mut Vec<Finding>) {
    approval::known(fleet, findings);
}
