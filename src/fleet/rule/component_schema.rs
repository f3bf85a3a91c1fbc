//! `component-schema`: a schema in components/ can be used.

use super::{Rule, Severity, Stage};

pub(super) const RULE: Rule = Rule {
    id: "component-schema",
    severity: Severity::Error,
    stage: Stage::Files,
    waivable: false,
    title: "a schema in components/ can be used",
    why: "A fleet describes its own components in `components/NAME.schema.json`. One that is no JSON Schema, or \
          that bears the name of a component of twinops itself, checks nothing.",
    breaks: &[(
        "components/pump.schema.json",
        r#"{ "type": "objekt" }
"#,
    )],
    holds: &[(
        "components/pump.schema.json",
        r#"{ "type": "object" }
"#,
    )],
    remedy: "Mend the schema: JSON Schema, draft 2020-12 unless `$schema` names another.",
};
