//! `reserved-name`: what twinops or the hub writes is not declared.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "reserved-name",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "what twinops or the hub writes is not declared",
    why: "`twinops` carries the fleet's marker and its revision; `$metadata` and `$version` are the hub's. \
          Declaring them would break what rests on them.",
    breaks: &[(
        "profile.yaml",
        r#"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  desired: { twinops: { revision: "7" } }
"#,
    )],
    holds: &[(
        "profile.yaml",
        r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  desired: { time: { timeZone: Europe/Oslo } }
",
    )],
    remedy: "Remove it.",
};
