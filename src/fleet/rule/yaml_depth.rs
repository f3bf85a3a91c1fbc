//! `yaml-depth`: nesting is bounded.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "yaml-depth",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "nesting is bounded",
    why: "A twin holds ten levels. A document nested deeper than 64 can only be a slip, or an attempt to exhaust \
          the memory of whoever reads it.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { deep: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]] }
",
    )],
    holds: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { deep: [[1]] }
",
    )],
    remedy: "Make the value flatter.",
};
