//! `duplicate-name`: a name stands once among documents of a kind.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "duplicate-name",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a name stands once among documents of a kind",
    why: "Markers name profiles; with two of one name nobody could tell which of them made up a twin.",
    breaks: &[(
        "profile.yaml",
        r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  desired: { time: { timeZone: Europe/Oslo } }
---
apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  desired: { telemetry: { level: required } }
",
    )],
    holds: &[(
        "profile.yaml",
        r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  desired: { time: { timeZone: Europe/Oslo }, telemetry: { level: required } }
",
    )],
    remedy: "Rename one of them, or put both into one document.",
};
