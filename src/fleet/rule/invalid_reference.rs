//! `invalid-reference`: a `${…}` can refer to something.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "invalid-reference",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a `${…}` can refer to something",
    why: "`${device.id}`, `${tags.NAME}`, `${vars.NAME}` and `${secret.NAME}` are filled in. Another reference \
          would reach the device as it is spelt.",
    breaks: &[(
        "device.yaml",
        r#"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { label: "${dev.id}" }
"#,
    )],
    holds: &[(
        "device.yaml",
        r#"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { label: "${device.id}", literal: "$${HOME}" }
"#,
    )],
    remedy: "Mend the reference, or write `$${` for a literal `${`.",
};
