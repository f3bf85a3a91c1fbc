//! The rules: what is wrong though its shape is right. One rule a file; [`RULES`] lists them all, those of the other
//! files of this room included, for `--explain`, for SARIF and for the manual.

mod component;
mod condition;
mod ignore;
mod path;
mod percent;
mod reference;
mod reserved;
mod rollout;
mod rules;
mod secret;
mod texts;

use super::{finding::Finding, model::FleetSpec, model_rollout::RolloutSpec, schema::Components, site::Site};
use crate::twin::Map;

pub(super) use condition::condition;
pub use rules::{RULES, Rule};

/// The rules for a `Fleet`.
pub(super) fn fleet(site: Site<'_>, name: &str, spec: &FleetSpec, findings: &mut Vec<Finding>) {
    reserved::fleet_name(site, name, findings);
    percent::guard(site, spec, findings);
    path::protect(site, spec, findings);
    for (at, ignore) in spec.ignore.iter().enumerate() {
        path::ignore(site, at, ignore, findings);
        ignore::dates(site, at, ignore, findings);
    }
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
