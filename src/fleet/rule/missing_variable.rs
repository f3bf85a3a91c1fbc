//! `missing-variable`: a variable or secret that a text refers to exists.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "missing-variable",
    severity: Severity::Error,
    stage: Stage::Merged,
    waivable: false,
    title: "a variable or secret that a text refers to exists",
    why: "Never is an empty text put in the place of something that is missing.",
    breaks: &[(
        "profile.yaml",
        r#"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  desired: { time: { timeZone: "${vars.zone}" } }
"#,
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
    remedy: "Add the variable to `spec.vars` of the Fleet document; a secret comes from the environment variable \
          `TWINOPS_SECRET_NAME`.",
};
