//! `expired-ignore`: an ignore has not ended.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "expired-ignore",
    severity: Severity::Warning,
    stage: Stage::Files,
    waivable: true,
    title: "an ignore has not ended",
    why: "An entry of `ignore` has an end so that it does not outlive everyone who knew why. After that day the \
          path is managed again.",
    breaks: &[(
        "fleet.yaml",
        r#"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  ignore:
    - { path: tags.bridge, owner: bridge-team, reason: set by the gateway, until: "2020-01-01" }
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
    remedy: "Remove the entry, or agree on a new date with its owner.",
};
