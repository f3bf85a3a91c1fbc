//! `bad-condition`, `doubtful-condition`: what a `where` says.

use crate::{
    fleet::{finding::Finding, site::Site},
    query::Condition,
};

/// Reads a condition; `None`, and a finding at the very word, when it is none.
pub(in crate::fleet) fn condition(
    site: Site<'_>,
    pointer: &str,
    text: &str,
    findings: &mut Vec<Finding>,
) -> Option<Condition> {
    match Condition::parse(text) {
        Ok(condition) => {
            findings.extend(condition.doubts().iter().map(|doubt| {
                Finding::warning("doubtful-condition", &*doubt.message).at(site.part(pointer, &doubt.span))
            }));
            Some(condition)
        }
        Err(error) => {
            findings.push(Finding::error("bad-condition", error.message).at(site.part(pointer, &error.span)));
            None
        }
    }
}
