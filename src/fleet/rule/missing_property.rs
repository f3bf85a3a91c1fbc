//! `missing-property`: what the schema demands is there.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "missing-property",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "what the schema demands is there",
    why: "Some members have no sensible default: who answers for an ignore, say, and why.",
    breaks: &[(
        "fleet.yaml",
        r#"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  ignore:
    - { path: tags.bridge, owner: bridge-team, until: "9999-12-31" }
"#,
    )],
    holds: &[(
        "fleet.yaml",
        r#"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  ignore:
    - { path: tags.bridge, owner: bridge-team, reason: set by the gateway, until: "9999-12-31" }
"#,
    )],
    remedy: "Add the member; the message says what it is for.",
};
