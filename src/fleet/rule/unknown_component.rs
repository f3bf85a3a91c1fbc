//! `unknown-component`: a member of desired is a component.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "unknown-component",
    severity: Severity::Warning,
    stage: Stage::Files,
    waivable: true,
    title: "a member of desired is a component",
    why: "Values below a name that is no component are not checked, and how the device answers is not known. Most \
          often the name is misspelt.",
    breaks: &[(
        "profile.yaml",
        r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  desired: { tiem: { timeZone: Europe/Oslo } }
",
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
    remedy: "Mend the name, or describe the component in `components/NAME.schema.json`.",
};
