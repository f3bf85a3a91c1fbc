//! `bad-time-zone`: the hours of a window are by a clock that there is.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "bad-time-zone",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a time zone has an IANA name",
    why: "Without its time zone nobody can say when a maintenance window is open, and its devices would wait for ever.",
    breaks: &[(
        "rollout.yaml",
        r#"apiVersion: twinops/v1
kind: Rollout
metadata: { name: kiosks }
spec:
  waves: [{ name: all }]
  window: { from: "01:00", to: "05:00", timeZone: Europe/Olso }
"#,
    )],
    holds: &[(
        "rollout.yaml",
        r#"apiVersion: twinops/v1
kind: Rollout
metadata: { name: kiosks }
spec:
  waves: [{ name: all }]
  window: { from: "01:00", to: "05:00", timeZone: Europe/Oslo }
"#,
    )],
    remedy: "Write a name such as `Europe/Oslo`, or the tag that holds one: `tags.timeZone`.",
};
