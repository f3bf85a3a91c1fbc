//! `not-a-document`: a document is a mapping.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "not-a-document",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a document is a mapping",
    why: "Every document of a fleet is a mapping with `apiVersion`, `kind`, `metadata` and `spec`.",
    breaks: &[(
        "device.yaml",
        r"- kiosk-1
- kiosk-2
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
    remedy: "Write one document for each device, parted by `---`. Other YAML belongs outside the fleet's root, or \
          into a folder whose name begins with a dot.",
};
