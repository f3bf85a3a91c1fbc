//! `equal-priority-conflict`: profiles of one priority agree on what they set.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "equal-priority-conflict",
    severity: Severity::Error,
    stage: Stage::Merged,
    waivable: false,
    title: "profiles of one priority agree on what they set",
    why: "Which of two profiles of one priority won would depend on their names. So it has to be said.",
    breaks: &[(
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
  desired: { time: { timeZone: Europe/Berlin } }
---
apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec: { tags: { site: berlin } }
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
---
apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec: { tags: { site: berlin } }
",
    )],
    remedy: "Give one of them a higher `priority`, or let only one of them set the value.",
};
