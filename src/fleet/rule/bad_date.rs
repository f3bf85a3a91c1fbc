//! `bad-date`: a date is a day of the calendar.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "bad-date",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a date is a day of the calendar",
    why: "An entry that ends on a day that there is not would never end.",
    breaks: &[(
        "fleet.yaml",
        r#"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  ignore:
    - { path: tags.bridge, owner: bridge-team, reason: set by the gateway, until: "9999-02-30" }
"#,
    )],
    holds: &[(
        "fleet.yaml",
        r#"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  ignore:
    - { path: tags.bridge, owner: bridge-team, reason: set by the gateway, until: "9999-02-28" }
"#,
    )],
    remedy: "Write a day of the calendar as `YYYY-MM-DD`.",
};
