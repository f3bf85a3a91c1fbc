//! `yaml-merge-key`: merge keys are not used.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "yaml-merge-key",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "merge keys are not used",
    why: "Merge keys (`<<`) belong to YAML 1.1 and are no part of YAML 1.2: half of the tools merge, the other \
          half see a key called `<<`. Sharing between devices is what profiles are for.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags:
    first: &first { floor: ground }
    second: { <<: *first, wing: west }
",
    )],
    holds: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags:
    first: { floor: ground }
    second: { floor: ground, wing: west }
",
    )],
    remedy: "Write the members out, or put what is shared into a profile. `\"<<\"` in quotes is a plain key.",
};
