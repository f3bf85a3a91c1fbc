//! `yaml-trap`: a plain scalar means the same to all YAML tools.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "yaml-trap",
    severity: Severity::Warning,
    stage: Stage::Files,
    waivable: true,
    title: "a plain scalar means the same to all YAML tools",
    why: "twinops reads YAML 1.2; many tools (PyYAML, Ruby, older Go and Java libraries) still read 1.1. To them \
          `no` is a boolean, `03:00` the number 180 (hours and minutes to the base of 60), `1_000` a thousand and \
          `0777` the number 511. A script that touches such a file changes what devices get, and a reviewer may \
          read either.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags:
    power: on
    opens: 08:30
    seats: 1_000
    mode: 0755
    revision: 12e4
",
    )],
    holds: &[(
        "device.yaml",
        r#"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags:
    power: "on"
    opens: "08:30"
    seats: 1000
    mode: "0755"
    revision: "12e4"
"#,
    )],
    remedy: "Put it in quotes if it is a text; write a boolean as `true` or `false`, and a number in plain digits.",
};
