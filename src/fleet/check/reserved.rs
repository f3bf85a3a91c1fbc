//! `reserved-name`: names that twinops or the hub writes itself.

use crate::{
    fleet::{finding::Finding, site::Site, yaml::escape},
    twin::{HUB_MEMBERS, Map},
};

/// The member that carries our marker and the revision.
const OURS: &str = "twinops";

/// The members of a section of the twin.
pub(super) fn member(site: Site<'_>, base: &str, members: &Map, findings: &mut Vec<Finding>) {
    for name in HUB_MEMBERS.into_iter().chain([OURS]).filter(|name| members.contains_key(*name)) {
        let owner = if name == OURS { "twinops" } else { "the hub" };
        let finding = Finding::error("reserved-name", format!("`{name}` is written by {owner} itself"));
        findings.push(finding.at(site.key(format!("{base}/{}", escape(name)))).help("remove it"));
    }
}

/// The name of a fleet becomes a key of every twin's tags.
pub(super) fn fleet_name(site: Site<'_>, name: &str, findings: &mut Vec<Finding>) {
    let bad = name.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_'));
    if let Some(c) = bad {
        let message = format!("`{c}` cannot be part of a fleet's name");
        let finding = Finding::error("bad-fleet-name", message).at(site.value("/metadata/name"));
        findings.push(finding.help("it becomes a key of the twins' tags: use ASCII letters, digits, `-` and `_`"));
    }
}
