//! `no-fleet`: a repository has a Fleet document.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "no-fleet",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a repository has a Fleet document",
    why: "The name of the fleet is the key of its marker in every twin; without one nothing can be planned.",
    breaks: &[(
        "profile.yaml",
        r"apiVersion: twinops/v1
kind: Profile
metadata: { name: kiosk }
spec:
  desired: { time: { timeZone: Europe/Oslo } }
",
    )],
    holds: &[(
        "fleet.yaml",
        r"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
",
    )],
    remedy: "Add a document with `kind: Fleet` and a name, or run the command in the folder that holds it.",
};
