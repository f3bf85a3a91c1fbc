//! All rules, with a line each.

use crate::fleet::finding::Severity;

/// A rule that a finding may break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// In kebab case, as [`Finding::rule`](crate::fleet::Finding::rule) names it.
    pub id: &'static str,
    /// How bad it is at worst.
    pub severity: Severity,
    /// What it is about, in a line.
    pub about: &'static str,
}

const fn error(id: &'static str, about: &'static str) -> Rule {
    Rule { id, severity: Severity::Error, about }
}

const fn warning(id: &'static str, about: &'static str) -> Rule {
    Rule { id, severity: Severity::Warning, about }
}

/// Every rule by which a fleet's documents are checked before they are resolved.
pub const RULES: &[Rule] = &[
    error("yaml-text", "a file is UTF-8 without control characters"),
    error("yaml-syntax", "a document is YAML 1.2"),
    error("yaml-depth", "nesting is bounded"),
    error("yaml-alias", "aliases are bounded and do not contain themselves"),
    error("yaml-duplicate-key", "a key stands once in a mapping"),
    error("yaml-merge-key", "merge keys are not used"),
    error("yaml-key", "a key is a text"),
    error("yaml-tag", "a tag is one of the core schema"),
    error("yaml-number", "a number is one that a twin can hold"),
    error("yaml-more", "a document has so many faults that not all are shown"),
    warning("yaml-trap", "a plain scalar means the same to all YAML tools"),
    error("not-a-document", "a document is a mapping"),
    error("api-version", "a document names a version of the format that is known"),
    error("unknown-kind", "a document is of a kind that is known"),
    error("unknown-property", "a member is one that the schema knows"),
    error("missing-property", "what the schema demands is there"),
    error("wrong-type", "a value has the type that the schema demands"),
    error("not-allowed", "a value is one of those that the schema allows"),
    error("wrong-format", "a text has the form that the schema demands"),
    error("out-of-range", "a number lies in the range of the schema"),
    error("wrong-length", "a text, list or mapping is as long as the schema demands"),
    error("schema", "a value satisfies its schema"),
    error("component-schema", "a schema in components/ can be used"),
    error("no-fleet", "a repository has a Fleet document"),
    error("second-fleet", "a repository has no second Fleet document"),
    error("duplicate-name", "a name stands once among documents of a kind"),
    error("duplicate-device", "a device is declared once"),
    error("bad-device-id", "a device's name is a device id"),
    error("bad-fleet-name", "a fleet's name can be a key of a twin"),
    error("bad-condition", "a `where` is a condition of the hub's query language"),
    warning("doubtful-condition", "a `where` means what it seems to mean"),
    error("bad-path", "a path is one of a twin"),
    error("bad-date", "a date is a day of the calendar"),
    error("bad-share", "a share is at most 100%"),
    warning("expired-ignore", "an ignore has not ended"),
    warning("unknown-component", "a member of desired is a component"),
    error("reserved-name", "what twinops or the hub writes is not declared"),
    error("invalid-reference", "a `${…}` can refer to something"),
    error("clear-text-secret", "no secret stands in git"),
    warning("rollout-not-in-effect", "a rollout is carried out"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_id_stands_once() {
        assert_eq!(RULES.iter().map(|rule| rule.id).collect::<BTreeSet<_>>().len(), RULES.len());
    }
}
