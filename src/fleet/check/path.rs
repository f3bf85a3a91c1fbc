//! `bad-path`: paths of a twin that are none, or that lie where a fleet writes nothing.

use crate::{
    fleet::{
        finding::Finding,
        model::{FleetSpec, IgnoreSpec},
        site::Site,
    },
    twin::{PropertyPath, Section},
};

/// The paths of `guard.protect`.
pub(super) fn protect(site: Site<'_>, spec: &FleetSpec, findings: &mut Vec<Finding>) {
    for (at, path) in spec.guard.iter().flat_map(|guard| &guard.protect).enumerate() {
        check(site, format!("/spec/guard/protect/{at}"), path, findings);
    }
}

/// The path of an entry of `ignore`.
pub(super) fn ignore(site: Site<'_>, at: usize, ignore: &IgnoreSpec, findings: &mut Vec<Finding>) {
    check(site, format!("/spec/ignore/{at}/path"), &ignore.path, findings);
}

/// The paths of an exemption.
pub(super) fn exemption(site: Site<'_>, at: usize, paths: &[String], findings: &mut Vec<Finding>) {
    for (which, path) in paths.iter().enumerate() {
        check(site, format!("/spec/guard/exemptions/{at}/paths/{which}"), path, findings);
    }
}

fn check(site: Site<'_>, pointer: String, text: &str, findings: &mut Vec<Finding>) {
    let (message, help) = match text.parse::<PropertyPath>() {
        Err(error) => (error.to_string(), format!("did you mean `properties.desired.{text}`?")),
        Ok(path) if path.section == Section::Reported => (
            "reported properties are written by devices alone".to_owned(),
            "name a path of `properties.desired` or `tags`".to_owned(),
        ),
        Ok(path) if path.keys.iter().any(|key| key.is_empty()) => {
            (format!("`{text}` has an empty step"), "put one dot between two names".to_owned())
        }
        Ok(_) => return,
    };
    findings.push(Finding::error("bad-path", message).at(site.value(pointer)).help(help));
}
