//! `duplicate-device`: a device is declared once.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "duplicate-device",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a device is declared once",
    why: "Two documents for one device would have to be merged by a rule that nobody sees.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { site: oslo }
---
apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { role: kiosk }
",
    )],
    holds: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { site: oslo, role: kiosk }
",
    )],
    remedy: "Keep one of them; what several devices share belongs into a profile.",
};
