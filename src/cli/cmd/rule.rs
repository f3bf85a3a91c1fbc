//! `twinops explain --rule`: what a rule demands, why, and what to do.

use serde_json::{Value, json};

use crate::{
    cli::{Exit, Failure, Printer},
    fleet::{
        Severity,
        rule::{Example, RULES, Rule, Stage, nearest_rule, rule},
    },
    report::Format,
};

/// Explains the rule of that id; all of them, a line each, when there is none.
pub(crate) fn run(id: &str, printer: &Printer, format: Format) -> Result<Exit, Failure> {
    let rules: &[&Rule] = match (id, rule(id)) {
        ("", _) => RULES,
        (_, Some(rule)) => &[rule],
        (_, None) => return Err(unknown(id)),
    };
    match format {
        Format::Json => {
            let told: Vec<Value> = rules.iter().map(|rule| view(rule)).collect();
            let report = json!({ "version": 1, "kind": "rules", "rules": told });
            printer.result(|out| writeln!(out, "{report:#}"))?;
        }
        Format::Text | Format::Markdown => {
            let text = if let [only] = rules { only.page() } else { rules.iter().map(|rule| line(rule)).collect() };
            printer.result(|out| out.write_all(text.as_bytes()))?;
        }
        _ => return Err(Failure::usage("a rule is explained as text, markdown or json")),
    }
    Ok(Exit::Done)
}

fn unknown(id: &str) -> Failure {
    let help = nearest_rule(id).map_or_else(
        || "`twinops explain --rule` lists all rules".to_owned(),
        |near| format!("did you mean `{}`? `twinops explain --rule` lists all rules", near.id),
    );
    Failure::usage(format!("there is no rule `{id}`")).help(help)
}

fn line(rule: &Rule) -> String {
    let widest = RULES.iter().map(|rule| rule.id.len()).max().unwrap_or_default();
    format!("{:<widest$}  {:<7}  {}\n", rule.id, word(rule), rule.title)
}

const fn word(rule: &Rule) -> &'static str {
    match rule.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn view(rule: &Rule) -> Value {
    let files = |example: Example| example.iter().map(|(path, text)| json!({ "path": path, "text": text })).collect();
    let (breaks, holds): (Value, Value) = (files(rule.breaks), files(rule.holds));
    json!({
        "id": rule.id, "severity": rule.severity, "title": rule.title, "why": rule.why, "remedy": rule.remedy,
        "waivable": rule.waivable, "needsTwins": rule.stage == Stage::Twins, "breaks": breaks, "holds": holds,
        "uri": rule.uri(),
    })
}
