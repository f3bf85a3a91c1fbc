//! `second-fleet`: a repository has no second Fleet document.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "second-fleet",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a repository has no second Fleet document",
    why: "Guards, variables and ignores hold for the fleet as a whole; which of two documents counted would depend \
          on the order of files.",
    breaks: &[(
        "fleet.yaml",
        r"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
---
apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso-lab }
",
    )],
    holds: &[(
        "fleet.yaml",
        r"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
",
    )],
    remedy: "Put everything into one of them, or keep the other fleet in a folder of its own and run the command \
          there.",
};
