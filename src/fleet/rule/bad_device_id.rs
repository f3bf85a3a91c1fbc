//! `bad-device-id`: a device's name is a device id.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "bad-device-id",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a device's name is a device id",
    why: "A device's document is named by the id that the hub knows the device by: up to 128 ASCII letters, digits \
          and some signs. The hub refuses any other.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk/7 }
",
    )],
    holds: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-7 }
",
    )],
    remedy: "Write the id as the hub knows it.",
};
