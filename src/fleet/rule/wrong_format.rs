//! `wrong-format`: a text has the form that the schema demands.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "wrong-format",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a text has the form that the schema demands",
    why: "Shares, dates, times and ids have a form, so that they can be read without guessing.",
    breaks: &[(
        "fleet.yaml",
        r#"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  guard: { maxChanged: "20" }
"#,
    )],
    holds: &[(
        "fleet.yaml",
        r"apiVersion: twinops/v1
kind: Fleet
metadata: { name: contoso }
spec:
  guard: { maxChanged: 20% }
",
    )],
    remedy: "Write it in the form of the example in the message.",
};
