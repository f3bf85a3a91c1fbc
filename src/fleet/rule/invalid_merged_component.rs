//! `invalid-merged-component`: a component satisfies its schema once everything is merged.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "invalid-merged-component",
    severity: Severity::Error,
    stage: Stage::Merged,
    waivable: false,
    title: "a component satisfies its schema once everything is merged",
    why: "Profiles may be partial; what a device gets may not. Each part can be right, and the whole lack a member \
          or contradict itself.",
    breaks: &[
        (
            "components/pump.schema.json",
            r#"{ "type": "object", "required": ["mode"] }
"#,
        ),
        (
            "profile.yaml",
            r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  desired: { pump: { level: 3 } }
---
apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
",
        ),
    ],
    holds: &[
        (
            "components/pump.schema.json",
            r#"{ "type": "object", "required": ["mode"] }
"#,
        ),
        (
            "profile.yaml",
            r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  desired: { pump: { level: 3, mode: slow } }
---
apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
",
        ),
    ],
    remedy: "Add what is missing to the profile or the device that the message points at.",
};
