//! `bad-share`: more than all.

use crate::fleet::{finding::Finding, model::FleetSpec, site::Site};

/// The shares of a guard.
pub(super) fn guard(site: Site<'_>, spec: &FleetSpec, findings: &mut Vec<Finding>) {
    let Some(guard) = &spec.guard else { return };
    for (name, share) in [("maxChanged", &guard.max_changed), ("maxPruned", &guard.max_pruned)] {
        check(site, format!("/spec/guard/{name}"), share.as_deref(), findings);
    }
}

/// One share, `20%`.
pub(super) fn check(site: Site<'_>, pointer: String, share: Option<&str>, findings: &mut Vec<Finding>) {
    let percent = share.and_then(|text| text.strip_suffix('%')).and_then(|digits| digits.parse::<u16>().ok());
    if percent.is_some_and(|percent| percent > 100) {
        let finding = Finding::error("bad-share", "a share is at most 100%").at(site.value(pointer));
        findings.push(finding);
    }
}
