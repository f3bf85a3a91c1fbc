//! `expired-exemption`: an exemption from a guard has not ended.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "expired-exemption",
    severity: Severity::Warning,
    stage: Stage::Files,
    waivable: true,
    title: "an exemption from a guard has not ended",
    why: "An exemption lets one change pass that a guard would stop. It has an end so that the guard does not stay open \
          behind that change. After that day the guard holds again.",
    breaks: &[(
        "fleet.yaml",
        r#"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  guard:
    maxChanged: 20%
    exemptions:
      - { guard: maxChanged, owner: time-team, reason: the time servers move, until: "2020-01-01" }
"#,
    )],
    holds: &[(
        "fleet.yaml",
        r#"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  guard:
    maxChanged: 20%
    exemptions:
      - { guard: maxChanged, owner: time-team, reason: the time servers move, until: "9999-12-31" }
"#,
    )],
    remedy: "Remove the entry, or agree on a new date with its owner.",
};
