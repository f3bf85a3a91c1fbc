//! `rollout-waves`: every wave can take a device.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "rollout-waves",
    severity: Severity::Warning,
    stage: Stage::Files,
    waivable: true,
    title: "every wave can take a device",
    why: "A device belongs to the first wave that takes it, and `percent` is cumulative: behind a tenth, another tenth \
          takes nobody, and behind a wave without `where` and `percent` nothing is left.",
    breaks: &[(
        "rollout.yaml",
        r"apiVersion: twinops/v1
kind: Rollout
metadata: { name: kiosks }
spec:
  waves: [{ name: canary, percent: 5 }, { name: more, percent: 5 }, { name: rest }]
",
    )],
    holds: &[(
        "rollout.yaml",
        r"apiVersion: twinops/v1
kind: Rollout
metadata: { name: kiosks }
spec:
  waves: [{ name: canary, percent: 5 }, { name: more, percent: 50 }, { name: rest }]
",
    )],
    remedy: "Let each `percent` be greater than the one before, and put the wave of all that are left last.",
};
