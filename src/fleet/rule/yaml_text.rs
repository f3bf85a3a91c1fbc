//! `yaml-text`: a file is UTF-8 without control characters.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "yaml-text",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a file is UTF-8 without control characters",
    why: "Every tool in the chain has to read the same characters. A control character or a byte order mark inside \
          a file is invisible in most editors and on a hub's portal, and text that is not UTF-8 means something \
          else on every machine.",
    breaks: &[(
        "device.yaml",
        "apiVersion: twinops/v1\nkind: Device\nmetadata: { name: kiosk-1 }\nspec:\n  tags: { site: \"os\u{7}lo\" }\n",
    )],
    holds: &[(
        "device.yaml",
        r#"apiVersion: twinops/v1
kind: Device
metadata: { name: kiosk-1 }
spec:
  tags: { site: "oslo" }
"#,
    )],
    remedy: "Save the file as UTF-8 and remove the character; where it is meant, write it as an escape in double \
          quotes: `\"\\x07\"`.",
};
