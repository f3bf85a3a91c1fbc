//! `schema`: a value satisfies its schema.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "schema",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a value satisfies its schema",
    why: "What no other rule has better words for: a schema can demand that items differ, that one of several \
          forms fits, that two members do not stand together.",
    breaks: &[
        (
            "components/pump.schema.json",
            r#"{ "type": "object", "properties": { "zones": { "type": "array", "uniqueItems": true } } }
"#,
        ),
        (
            "profile.yaml",
            r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  desired: { pump: { zones: [1, 1] } }
",
        ),
    ],
    holds: &[
        (
            "components/pump.schema.json",
            r#"{ "type": "object", "properties": { "zones": { "type": "array", "uniqueItems": true } } }
"#,
        ),
        (
            "profile.yaml",
            r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  desired: { pump: { zones: [1, 2] } }
",
        ),
    ],
    remedy: "Change the value as the message says; `twinops schema` prints the schemas.",
};
