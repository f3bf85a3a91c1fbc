//! `unknown-kind`: a document is of a kind that is known.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "unknown-kind",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a document is of a kind that is known",
    why: "Kinds are `Fleet`, `Profile`, `Device` and `Rollout`, spelt like this. A document of another kind would \
          declare nothing.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: device
metadata: { name: kiosk-1 }
",
    )],
    holds: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
",
    )],
    remedy: "Write the kind as it is spelt above.",
};
