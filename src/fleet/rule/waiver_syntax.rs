//! `waiver-syntax`: a comment to twinops can be understood.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "waiver-syntax",
    severity: Severity::Warning,
    stage: Stage::Files,
    waivable: false,
    title: "a comment to twinops can be understood",
    why: "A comment that begins with `twinops:` is meant for this command. One that it does not understand waives \
          nothing.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { power: on } # twinops: ignore yaml-trap
",
    )],
    holds: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { power: on } # twinops: allow yaml-trap because our tools read YAML 1.2
",
    )],
    remedy: "Write `# twinops: allow RULE because REASON`, with several rules parted by commas, and `until \
          YYYY-MM-DD` before `because` for a waiver that ends.",
};
