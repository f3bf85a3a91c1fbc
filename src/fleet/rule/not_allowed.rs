//! `not-allowed`: a value is one of those that the schema allows.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "not-allowed",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a value is one of those that the schema allows",
    why: "The schema lists the values that mean something.",
    breaks: &[(
        "fleet.yaml",
        r"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  hub: { sku: s1 }
",
    )],
    holds: &[(
        "fleet.yaml",
        r"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  hub: { sku: S1 }
",
    )],
    remedy: "Write one of the values that the message lists.",
};
