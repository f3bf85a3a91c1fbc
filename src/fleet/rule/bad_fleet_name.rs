//! `bad-fleet-name`: a fleet's name can be a key of a twin.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "bad-fleet-name",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a fleet's name can be a key of a twin",
    why: "The fleet keeps its marker in every twin below `tags.twinops.NAME`, and a hub takes no dots, spaces, `$` \
          or `#` in keys.",
    breaks: &[(
        "fleet.yaml",
        r"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso.kiosks }
",
    )],
    holds: &[(
        "fleet.yaml",
        r"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso-kiosks }
",
    )],
    remedy: "Use ASCII letters, digits, `-` and `_`.",
};
