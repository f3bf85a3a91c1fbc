//! `invalid-reference`: a `${…}` that refers to nothing on any device.

use super::texts::Way;
use crate::fleet::{finding::Finding, resolve, site::Site};

/// The references of a text.
pub(super) fn check(site: Site<'_>, way: &Way<'_>, text: &str, findings: &mut Vec<Finding>) {
    if !text.contains("${") {
        return;
    }
    if let Some((rule, message, help)) = resolve::malformed(text) {
        findings.push(Finding { help, ..Finding::error(rule, message).at(site.value(way.pointer())) });
    }
}
