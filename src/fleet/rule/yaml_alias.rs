//! `yaml-alias`: aliases are bounded and do not contain themselves.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "yaml-alias",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "aliases are bounded and do not contain themselves",
    why: "An alias (`*name`) repeats what its anchor (`&name`) stands for. One inside its own anchor never ends, \
          and a few lines of aliases of aliases can add up to billions of values.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { rooms: &rooms [hall, *rooms] }
",
    )],
    holds: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { rooms: &rooms [hall], doors: *rooms }
",
    )],
    remedy: "Write the values out, or put what is shared into a profile.",
};
