//! `bad-condition`: a `where` is a condition of the hub's query language.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "bad-condition",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a `where` is a condition of the hub's query language",
    why: "Conditions are those that follow `WHERE` in a query of Azure IoT Hub, which answers a faulty one with a \
          bare `400`. Here the very word is shown.",
    breaks: &[(
        "profile.yaml",
        r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  where: tags.role == 'kiosk'
  desired: { time: { timeZone: Europe/Oslo } }
",
    )],
    holds: &[(
        "profile.yaml",
        r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  where: tags.role = 'kiosk'
  desired: { time: { timeZone: Europe/Oslo } }
",
    )],
    remedy: "Mend the word that is shown: `=` compares, texts stand in single quotes, `AND`, `OR` and `NOT` join.",
};
