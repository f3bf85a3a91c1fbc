//! `yaml-key`: a key is a text.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "yaml-key",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a key is a text",
    why: "Keys of a twin are texts. `1:` and `true:` are a number and a boolean to YAML, and turn into different \
          texts in different tools.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags:
    1: first floor
",
    )],
    holds: &[(
        "device.yaml",
        r#"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags:
    "1": first floor
"#,
    )],
    remedy: "Put the key in quotes if it is meant as a name.",
};
