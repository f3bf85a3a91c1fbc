//! `waiver-expired`: a waiver has not ended.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "waiver-expired",
    severity: Severity::Warning,
    stage: Stage::Files,
    waivable: false,
    title: "a waiver has not ended",
    why: "A waiver may have an end: `until YYYY-MM-DD`. After that day it waives nothing.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { power: on } # twinops: allow yaml-trap until 2020-01-01 because the importer is being replaced
",
    )],
    holds: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { power: on } # twinops: allow yaml-trap until 9999-12-31 because the importer is being replaced
",
    )],
    remedy: "Mend what the rule finds, or agree on a new date.",
};
