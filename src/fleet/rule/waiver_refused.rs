//! `waiver-refused`: a waiver names a rule that can be waived.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "waiver-refused",
    severity: Severity::Warning,
    stage: Stage::Files,
    waivable: false,
    title: "a waiver names a rule that can be waived",
    why: "What cannot be read, has the wrong shape or contradicts itself cannot be planned, whatever a comment \
          says.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  # twinops: allow yaml-duplicate-key because the last one counts
  tags: { site: oslo }
",
    )],
    holds: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { site: oslo }
",
    )],
    remedy: "Mend what the rule finds, and remove the waiver.",
};
