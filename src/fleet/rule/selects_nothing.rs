//! `selects-nothing`: a profile selects a device, and so do a rollout and its waves.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "selects-nothing",
    severity: Severity::Warning,
    stage: Stage::Twins,
    waivable: true,
    title: "a profile selects a device",
    why: "A `where` that selects nothing is misspelt, or left over. Without twins only declared devices are looked \
          at, and a profile that selects none of them may be meant for devices that enrol themselves; with twins \
          (`--snapshot`, `--live`) the answer is certain, and a rollout and the waves with a `where` are held to it \
          as well: a gate behind an empty canary is no gate.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { site: oslo }
---
apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  where: tags.site = 'olso'
  desired: { time: { timeZone: Europe/Oslo } }
",
    )],
    holds: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { site: oslo }
---
apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  where: tags.site = 'oslo'
  desired: { time: { timeZone: Europe/Oslo } }
",
    )],
    remedy: "Mend `where`, or remove the profile, the rollout or the wave.",
};
