//! `doubtful-condition`: a `where` means what it seems to mean.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "doubtful-condition",
    severity: Severity::Warning,
    stage: Stage::Files,
    waivable: true,
    title: "a `where` means what it seems to mean",
    why: "A path that no twin has is no error to a hub: it is merely absent, and the condition selects nothing. \
          Functions of message routing are unknown to queries.",
    breaks: &[(
        "profile.yaml",
        r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  where: tag.role = 'kiosk'
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
    remedy: "Write the field that the message suggests: `tags.…`, `properties.reported.…`, `deviceId`, `modelId`.",
};
