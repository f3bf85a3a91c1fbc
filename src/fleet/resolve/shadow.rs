//! `unused-profile`: profiles that change nothing on any device, whichever devices there are.

use super::{Resolver, layer::CompiledProfile, pointer, resolver::setting};
use crate::{
    fleet::{Finding, Profile},
    twin::leaves,
};

/// Profiles that say nothing, or nothing that a stronger one does not say again.
pub(super) fn unused(resolver: &Resolver) -> Vec<Finding> {
    let profiles = &resolver.profiles;
    let look = |weak: &CompiledProfile| {
        if weak.profile.desired.is_empty() { Some(empty(&weak.profile)) } else { shadowed(weak, profiles) }
    };
    profiles.iter().filter_map(look).collect()
}

fn empty(profile: &Profile) -> Finding {
    let message = format!("the profile `{}` sets nothing", profile.name);
    let place = pointer::place(&profile.document, "/metadata/name");
    Finding::warning("unused-profile", message).at(place).help("remove it, or say in `desired` what it is for")
}

fn shadowed(weak: &CompiledProfile, profiles: &[CompiledProfile]) -> Option<Finding> {
    let profile = &weak.profile;
    let is_for_all = |strong: &Profile| strong.condition.is_none() || strong.condition == profile.condition;
    let mut stronger =
        profiles.iter().filter(|strong| strong.rank > weak.rank && is_for_all(&strong.profile)).peekable();
    stronger.peek()?;
    let ways: Vec<_> = leaves(&profile.desired).into_iter().map(|leaf| leaf.keys).collect();
    let covers = |strong: &&CompiledProfile| ways.iter().all(|way| setting(&strong.profile.desired, way).is_some());
    let strong = &stronger.find(covers)?.profile;
    let message = format!("all that the profile `{}` sets is set again by `{}`", profile.name, strong.name);
    let finding = Finding::warning("unused-profile", message).at(pointer::place(&profile.document, "/metadata/name"));
    let other = pointer::place(&strong.document, "/metadata/name");
    Some(finding.with(other, "stronger, for the same devices").help("remove it, or narrow the stronger one"))
}
