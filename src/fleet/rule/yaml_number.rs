//! `yaml-number`: a number is one that a twin can hold.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "yaml-number",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a number is one that a twin can hold",
    why: "JSON has no infinity and no not-a-number, and an integer beyond 64 bits loses digits in nearly every \
          tool.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { serial: 123456789012345678901234567890 }
",
    )],
    holds: &[(
        "device.yaml",
        r#"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { serial: "123456789012345678901234567890" }
"#,
    )],
    remedy: "Put it in quotes to keep every digit, as a text.",
};
