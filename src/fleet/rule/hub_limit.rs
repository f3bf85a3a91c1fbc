//! `hub-limit`: what a device should be fits into its twin.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "hub-limit",
    severity: Severity::Error,
    stage: Stage::Merged,
    waivable: false,
    title: "what a device should be fits into its twin",
    why: "A hub refuses a section that is too large, too deep, or has keys and numbers that it does not take, and \
          would do so only in the middle of a run. The marker that the fleet keeps in the tags is counted.",
    breaks: &[(
        "device.yaml",
        r#"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { "opening hours": weekdays }
"#,
    )],
    holds: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { openingHours: weekdays }
",
    )],
    remedy: "Shorten it, or split the value; long content belongs into a file that the device fetches.",
};
