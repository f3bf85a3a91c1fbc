//! `rollout-not-in-effect`: a rollout is carried out.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "rollout-not-in-effect",
    severity: Severity::Warning,
    stage: Stage::Files,
    waivable: true,
    title: "a rollout is carried out",
    why: "Documents of kind `Rollout` are read and checked, and devices are changed at once all the same.",
    breaks: &[(
        "rollout.yaml",
        r"apiVersion: twinops/v1
kind: Rollout
metadata: { name: kiosks }
spec:
  waves: [{ name: canary, percent: 5 }, { name: rest }]
",
    )],
    holds: &[(
        "fleet.yaml",
        r"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  guard: { maxChanged: 5% }
",
    )],
    remedy: "Keep `guard.maxChanged` small, or merge a change profile by profile.",
};
