//! `unknown-property`: a member is one that the schema knows.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "unknown-property",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a member is one that the schema knows",
    why: "A misspelt member would be passed over, and what it was to say would not happen. Where a schema lists \
          its members, others are refused.",
    breaks: &[(
        "profile.yaml",
        r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  prioritty: 10
",
    )],
    holds: &[(
        "profile.yaml",
        r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  priority: 10
  desired: { time: { timeZone: Europe/Oslo } }
",
    )],
    remedy: "Mend the spelling; the message names the member that was probably meant.",
};
