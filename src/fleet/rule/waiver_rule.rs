//! `waiver-rule`: a waiver names a rule that there is.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "waiver-rule",
    severity: Severity::Warning,
    stage: Stage::Files,
    waivable: false,
    title: "a waiver names a rule that there is",
    why: "A misspelt rule waives nothing.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { power: on } # twinops: allow yaml-traps because our tools read YAML 1.2
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
    remedy: "Mend the name; `twinops explain --rule` lists all of them.",
};
