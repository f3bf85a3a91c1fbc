//! `waiver-reason`: a waiver has a reason.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "waiver-reason",
    severity: Severity::Warning,
    stage: Stage::Files,
    waivable: false,
    title: "a waiver has a reason",
    why: "Whoever finds the waiver in a year has to know whether it still holds. Without a reason nothing is \
          waived.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { power: on } # twinops: allow yaml-trap
",
    )],
    holds: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { power: on } # twinops: allow yaml-trap because our tools read YAML 1.2
",
    )],
    remedy: "Add `because` and the reason.",
};
