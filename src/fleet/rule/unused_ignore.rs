//! `unused-ignore`: an ignore leaves something alone.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "unused-ignore",
    severity: Severity::Warning,
    stage: Stage::Twins,
    waivable: true,
    title: "an ignore leaves something alone",
    why: "An entry whose path lies inside that of another entry adds nothing. When twins are given (`--snapshot`, \
          `--live`), neither does one for a path that no document declares and no twin has.",
    breaks: &[(
        "fleet.yaml",
        r#"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  ignore:
    - { path: tags.bridge, owner: bridge-team, reason: set by the gateway, until: "9999-12-31" }
    - { path: tags.bridge.port, owner: bridge-team, reason: set by the gateway, until: "2099-12-31" }
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
    remedy: "Remove the entry.",
};
