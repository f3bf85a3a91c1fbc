//! `yaml-digits`: a number keeps all the digits that were written.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "yaml-digits",
    severity: Severity::Warning,
    stage: Stage::Files,
    waivable: true,
    title: "a number keeps all the digits that were written",
    why: "`1.10` is a number to YAML, and the number is 1.1: version 1.10 turns into version 1.1, Ubuntu 24.10 \
          into 24.1. The zero is lost before any schema sees the value.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { firmware: 1.10 }
",
    )],
    holds: &[(
        "device.yaml",
        r#"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { firmware: "1.10", share: 1.1 }
"#,
    )],
    remedy: "Put a version in quotes; write a number without its last zero.",
};
