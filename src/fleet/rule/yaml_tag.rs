//! `yaml-tag`: a tag is one of the core schema.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "yaml-tag",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a tag is one of the core schema",
    why: "A twin holds JSON values, for which YAML's own tags (`!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, \
          `!!seq`, `!!map`) are enough. Tags of other tools (`!env`, `!vault`) would be passed over in silence.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { site: !env SITE }
",
    )],
    holds: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { floor: !!str 7 }
",
    )],
    remedy: "Remove the tag. Values from elsewhere are written `${vars.NAME}`, `${tags.NAME}` or `${secret.NAME}`.",
};
