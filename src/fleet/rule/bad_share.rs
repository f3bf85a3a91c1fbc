//! `bad-share`: a share is at most 100%.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "bad-share",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a share is at most 100%",
    why: "A guard of more than all holds nothing back.",
    breaks: &[(
        "fleet.yaml",
        r"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  guard: { maxPruned: 120% }
",
    )],
    holds: &[(
        "fleet.yaml",
        r"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  guard: { maxPruned: 12% }
",
    )],
    remedy: "Write a share from `0%` to `100%`.",
};
