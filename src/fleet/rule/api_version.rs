//! `api-version`: a document names a version of the format that is known.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "api-version",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a document names a version of the format that is known",
    why: "`apiVersion: twinops/v1` tells documents of a fleet from other YAML, and this format from later ones.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: v1
kind: Device
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
    remedy: "Begin with `apiVersion: twinops/v1`. Other YAML belongs outside the fleet's root, or into a folder whose \
          name begins with a dot.",
};
