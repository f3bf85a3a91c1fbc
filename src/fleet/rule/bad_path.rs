//! `bad-path`: a path is one of a twin that a fleet writes.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "bad-path",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a path is one of a twin that a fleet writes",
    why: "A path begins with `tags.` or `properties.desired.`; reported properties are written by devices alone. A \
          guard or an ignore with another path would protect nothing.",
    breaks: &[(
        "fleet.yaml",
        r"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  guard: { protect: [windows.wifi] }
",
    )],
    holds: &[(
        "fleet.yaml",
        r"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  guard: { protect: [properties.desired.windows.wifi] }
",
    )],
    remedy: "Write the whole path.",
};
