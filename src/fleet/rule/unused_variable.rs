//! `unused-variable`: a variable is used.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "unused-variable",
    severity: Severity::Warning,
    stage: Stage::Merged,
    waivable: true,
    title: "a variable is used",
    why: "A variable that nothing refers to is left over, or the place that should use it misspells it.",
    breaks: &[(
        "fleet.yaml",
        r"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  vars: { zone: Europe/Oslo }
",
    )],
    holds: &[(
        "fleet.yaml",
        r#"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  vars: { zone: Europe/Oslo }
---
apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  desired: { time: { timeZone: "${vars.zone}" } }
"#,
    )],
    remedy: "Remove it, or mend the reference.",
};
