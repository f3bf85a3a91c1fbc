//! `yaml-duplicate-key`: a key stands once in a mapping.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "yaml-duplicate-key",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a key stands once in a mapping",
    why: "Which of two equal keys counts depends on the tool: some take the first, some the last, and a reviewer \
          sees only one of them.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags:
    site: oslo
    site: berlin
",
    )],
    holds: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags:
    site: oslo
",
    )],
    remedy: "Keep one of them.",
};
