//! `waiver-unused`: a waiver waives something.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "waiver-unused",
    severity: Severity::Warning,
    stage: Stage::Files,
    waivable: false,
    title: "a waiver waives something",
    why: "A waiver that is left over hides the next fault at its place. Waivers of rules that need twins are only \
          judged when twins are given.",
    breaks: &[(
        "device.yaml",
        r#"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  # twinops: allow yaml-trap because our tools read YAML 1.2
  tags: { power: "on" }
"#,
    )],
    holds: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  # twinops: allow yaml-trap because our tools read YAML 1.2
  tags: { power: on }
",
    )],
    remedy: "Remove it.",
};
