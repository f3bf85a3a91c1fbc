//! `unused-exemption`: an exemption from a guard has something to let pass.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "unused-exemption",
    severity: Severity::Warning,
    stage: Stage::Files,
    waivable: true,
    title: "an exemption from a guard has something to let pass",
    why: "An exemption from a limit that is not set, for paths that are not protected, or for something that its guard \
          does not look at lets nothing pass, and is likely not what was meant. A plan notes under the same name an \
          exemption that it does not need: once its change is made, it has done its work.",
    breaks: &[(
        "fleet.yaml",
        r#"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  guard:
    protect: [properties.desired.wifi]
    exemptions:
      - guard: protect
        paths: [properties.desired.time]
        owner: time-team
        reason: the time servers move
        until: "9999-12-31"
"#,
    )],
    holds: &[(
        "fleet.yaml",
        r#"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  guard:
    protect: [properties.desired.wifi]
    exemptions:
      - guard: protect
        paths: [properties.desired.wifi.psk]
        owner: wifi-team
        reason: the yearly change of the key
        until: "9999-12-31"
"#,
    )],
    remedy: "Remove the entry, or name the guard, the paths or the devices that were meant.",
};
