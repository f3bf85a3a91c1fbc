//! `hub-limit-near`: a twin has room left.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "hub-limit-near",
    severity: Severity::Warning,
    stage: Stage::Merged,
    waivable: true,
    title: "a twin has room left",
    why: "A hub keeps 8 KiB of tags and 32 KiB of desired properties of a device, by its own way of counting. From \
          80 % on this tells how many bytes are left, before a change does not fit any more. When twins are given, \
          what others wrote into them counts too.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags:
    small: &small [abcdefghij, abcdefghij, abcdefghij, abcdefghij, abcdefghij, abcdefghij, abcdefghij, abcdefghij]
    large: &large [*small, *small, *small, *small, *small, *small, *small, *small]
    all: [*large, *large, *large, *large, *large, *large, *large, *large, *large, *large]
",
    )],
    holds: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags:
    small: [abcdefghij, abcdefghij]
",
    )],
    remedy: "Move what is long out of the twin, into a file that the device fetches; remove what nobody reads.",
};
