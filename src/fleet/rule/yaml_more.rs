//! `yaml-more`: a document has few enough faults to be shown.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "yaml-more",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a document has few enough faults to be shown",
    why: "After a hundred faults of its text a document is not read on: whoever has so many mends these first, and \
          a hostile document does not flood a report. What stands here only tells that there is more.",
    breaks: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags:
    list:
      - [!x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a]
      - [!x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a]
      - [!x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a]
      - [!x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a]
      - [!x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a]
      - [!x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a, !x a]
",
    )],
    holds: &[(
        "device.yaml",
        r"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags:
    list: [a, a]
",
    )],
    remedy: "Mend the faults that are shown, and check again.",
};
