//! The rules that resolving adds to those of single documents.

use crate::fleet::{Rule, Severity};

const fn rule(id: &'static str, severity: Severity, about: &'static str) -> Rule {
    Rule { id, severity, about }
}

/// Every rule of resolving; `invalid-reference` is among [`fleet::RULES`](crate::fleet::RULES).
pub const RULES: &[Rule] = &[
    rule("equal-priority-conflict", Severity::Error, "profiles of one priority agree on what they set"),
    rule("missing-variable", Severity::Error, "a variable or secret that a text refers to exists"),
    rule("missing-tag", Severity::Error, "a device has the tags that its documents refer to"),
    rule("invalid-merged-component", Severity::Error, "a component satisfies its schema once everything is merged"),
    rule("hub-limit", Severity::Error, "what a device should be fits into its twin"),
    rule(
        "undecidable-selector",
        Severity::Error,
        "a profile selects by what a device is, not by what documents make it",
    ),
    rule("unused-variable", Severity::Warning, "a variable is used"),
    rule("selects-nothing", Severity::Warning, "a profile selects a device"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet;

    #[test]
    fn no_rule_stands_in_both_lists() {
        assert!(RULES.iter().all(|rule| fleet::RULES.iter().all(|other| other.id != rule.id)));
    }
}
