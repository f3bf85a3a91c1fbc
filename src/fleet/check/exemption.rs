//! `expired-exemption`, `unused-exemption`: an exemption from a guard has an end, and something to let pass.

use super::{ignore::ended, path};
use crate::{
    fleet::{ExemptionSpec, GuardName, GuardSpec, finding::Finding, model::FleetSpec, site::Site},
    twin::PropertyPath,
};

/// The exemptions of a fleet.
pub(super) fn check(site: Site<'_>, spec: &FleetSpec, findings: &mut Vec<Finding>) {
    let Some(guard) = &spec.guard else { return };
    for (at, exemption) in guard.exemptions.iter().enumerate() {
        path::exemption(site, at, &exemption.paths, findings);
        let place = |member: &str| site.value(format!("/spec/guard/exemptions/{at}/{member}"));
        if let Some(until) = ended(&exemption.until, place("until"), findings) {
            let message = format!("the exemption from `{}` ended on {until}: the guard holds again", exemption.guard);
            let help = format!("remove the entry, or agree on a new date with {}", exemption.owner);
            findings.push(Finding::warning("expired-exemption", message).at(place("until")).help(help));
        }
        if let Some((member, message)) = useless(guard, exemption) {
            let finding = Finding::warning("unused-exemption", message).at(place(member));
            findings.push(finding.help("remove the entry, or what does not belong to it"));
        }
    }
}

/// What an exemption names that its guard does not look at, and the member that names it.
fn useless(spec: &GuardSpec, exemption: &ExemptionSpec) -> Option<(&'static str, String)> {
    let guard = exemption.guard;
    if !is_set(spec, guard) {
        return Some(("guard", format!("there is no `{guard}` that something could be exempt from")));
    }
    for (member, names, has) in [
        ("paths", &exemption.paths, guard.has_paths()),
        ("devices", &exemption.devices, guard.has_devices()),
        ("profiles", &exemption.profiles, guard == GuardName::SelectsNothing),
    ] {
        if !names.is_empty() && !has {
            return Some((member, format!("`{guard}` does not look at {member}")));
        }
    }
    let read = |paths: &[String]| paths.iter().filter_map(|path| path.parse().ok()).collect::<Vec<PropertyPath>>();
    let (protected, named) = (read(&spec.protect), read(&exemption.paths));
    let meets = |path: &PropertyPath| protected.iter().any(|other| path.is_within(other) || other.is_within(path));
    let misses = guard == GuardName::Protect && !named.is_empty() && !named.iter().any(meets);
    misses.then(|| ("paths", "no protected path lies there".to_owned()))
}

const fn is_set(spec: &GuardSpec, guard: GuardName) -> bool {
    match guard {
        GuardName::MaxChanged => spec.max_changed.is_some(),
        GuardName::MaxPruned => spec.max_pruned.is_some(),
        GuardName::MaxAdopted => spec.max_adopted.is_some(),
        GuardName::Protect => !spec.protect.is_empty(),
        GuardName::SelectsNothing | GuardName::EmptyFleet | GuardName::OtherFleet => true,
    }
}
