//! `yaml-syntax`: a document is YAML 1.2.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "yaml-syntax",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a document is YAML 1.2",
    why: "A document that cannot be parsed says nothing, and a device that it declared would look like one that \
          was deleted. So nothing is planned until it can be read. The other documents of the file are still \
          checked.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { site: oslo
",
    )],
    holds: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { site: oslo }
",
    )],
    remedy: "Mend the text at the place shown; most often a bracket or a quote is not closed, or a line is indented \
          by a tab.",
};
