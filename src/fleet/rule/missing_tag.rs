//! `missing-tag`: a device has the tags that its documents refer to.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "missing-tag",
    severity: Severity::Error,
    stage: Stage::Merged,
    waivable: false,
    title: "a device has the tags that its documents refer to",
    why: "A text with `${tags.NAME}` cannot be filled in for a device without that tag. Without twins this is a \
          warning: the live twin may have the tag.",
    breaks: &[(
        "device.yaml",
        r#"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { site: oslo }
---
apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  desired: { time: { timeZone: "${tags.zone}" } }
"#,
    )],
    holds: &[(
        "device.yaml",
        r#"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { site: oslo, zone: Europe/Oslo }
---
apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  desired: { time: { timeZone: "${tags.zone}" } }
"#,
    )],
    remedy: "Set the tag on the device, or narrow `where` by `IS_DEFINED(tags.NAME)`.",
};
