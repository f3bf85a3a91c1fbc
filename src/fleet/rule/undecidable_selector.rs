//! `undecidable-selector`: a profile selects by what a device is, not by what documents make it.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "undecidable-selector",
    severity: Severity::Error,
    stage: Stage::Merged,
    waivable: false,
    title: "a profile selects by what a device is, not by what documents make it",
    why: "A `where` that looks at desired properties would depend on itself, and one that looks at the connection \
          state would change its answer by the minute.",
    breaks: &[(
        "profile.yaml",
        r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  where: properties.desired.time.timeZone = 'UTC'
  desired: { telemetry: { level: required } }
",
    )],
    holds: &[(
        "profile.yaml",
        r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  where: tags.zone = 'UTC'
  desired: { telemetry: { level: required } }
",
    )],
    remedy: "Select by `tags`, `properties.reported`, `deviceId` or `modelId`.",
};
