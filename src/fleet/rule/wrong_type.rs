//! `wrong-type`: a value has the type that the schema demands.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "wrong-type",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a value has the type that the schema demands",
    why: "A text where a number is expected, or a number where a text is, reaches the device as such and is \
          refused there, far away from whoever wrote it.",
    breaks: &[(
        "profile.yaml",
        r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  priority: high
  desired: { time: { timeZone: Europe/Oslo } }
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
    remedy: "Write a value of the type that the message names. Quotes make a text of a number; without them `7` is a \
          number.",
};
