//! `unused-profile`: a profile says something that reaches a device.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "unused-profile",
    severity: Severity::Warning,
    stage: Stage::Merged,
    waivable: true,
    title: "a profile says something that reaches a device",
    why: "A profile without `desired` changes nothing. Neither does one of which everything is set again by a \
          stronger profile for the same devices.",
    breaks: &[(
        "profile.yaml",
        r"apiVersion: twinops/v1
kind: Profile
metadata: { name: old }
spec:
  where: tags.role = 'kiosk'
  desired: { time: { timeZone: Europe/Oslo } }
---
apiVersion: twinops/v1
kind: Profile
metadata: { name: new }
spec:
  where: tags.role = 'kiosk'
  priority: 10
  desired: { time: { timeZone: Europe/Berlin } }
",
    )],
    holds: &[(
        "profile.yaml",
        r"apiVersion: twinops/v1
kind: Profile
metadata: { name: base }
spec:
  desired: { time: { timeZone: Europe/Oslo } }
---
apiVersion: twinops/v1
kind: Profile
metadata: { name: berlin }
spec:
  where: tags.site = 'berlin'
  priority: 10
  desired: { time: { timeZone: Europe/Berlin } }
",
    )],
    remedy: "Remove the profile, or say in it what it is for.",
};
