//! `wrong-length`: a text, list or mapping is as long as the schema demands.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "wrong-length",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a text, list or mapping is as long as the schema demands",
    why: "An empty name names nothing, and what is too long does not fit where it has to go.",
    breaks: &[(
        "profile.yaml",
        r#"apiVersion: twinops/v1
kind: Profile
metadata: { name: "" }
spec:
  desired: { time: { timeZone: Europe/Oslo } }
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
    remedy: "Bring it to the length that the message names.",
};
