//! `out-of-range`: a number lies in the range of the schema.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "out-of-range",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a number lies in the range of the schema",
    why: "The schema knows the smallest and the greatest number that a device or a hub takes.",
    breaks: &[(
        "fleet.yaml",
        r"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  hub: { sku: S1, units: 0 }
",
    )],
    holds: &[(
        "fleet.yaml",
        r"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  hub: { sku: S1, units: 1 }
",
    )],
    remedy: "Write a number inside the range that the message names.",
};
