//! SARIF 2.1.0, the exchange format of static analysis: the part of it that places remarks in files, says what their
//! rules are about, and keeps what is waived as suppressed results.

use std::{collections::BTreeMap, io};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{
    Limits, Location, Paper, Report,
    fingerprint::Fingerprints,
    remark::{Level, Remark},
};
use crate::fleet::{
    Severity,
    rule::{Rule, rule},
};

/// What a path keeps in a URI.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');
/// Results shown: GitHub takes 5,000 of a file and refuses 25,001.
const MOST: usize = 5000;
/// Our fingerprint among those of other tools.
const FINGERPRINT: &str = "twinopsFinding/v1";

pub(crate) fn write(report: &dyn Report, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let paper = Paper { limits: Limits { groups: MOST, ..paper.limits }, ..*paper };
    let (mut rules, mut results, mut fingerprints) = (BTreeMap::new(), Vec::new(), Fingerprints::default());
    let mut waives = false;
    report.remarks(&paper, &mut |remark| {
        rules.insert(remark.rule.to_owned(), 0_usize);
        waives |= remark.waived.is_some();
        results.push(result(remark, fingerprints.next(remark)));
        Ok(())
    })?;
    rules.values_mut().enumerate().for_each(|(at, index)| *index = at);
    for result in &mut results {
        let index = result["ruleId"].as_str().and_then(|id| rules.get(id)).copied();
        result["ruleIndex"] = index.into();
        // All results tell of suppressions, or none does (SARIF 2.1.0, 3.27.23).
        if waives && result.get("suppressions").is_none() {
            result["suppressions"] = json!([]);
        }
    }
    let rules: Vec<Value> = rules.keys().map(|id| descriptor(id)).collect();
    let driver = json!({ "name": "twinops", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules });
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

/// What is known of a rule; remarks of plans and standings have none but their word.
fn descriptor(id: &str) -> Value {
    let Some(rule) = rule(id) else { return json!({ "id": id }) };
    let Rule { why, remedy, severity, .. } = rule;
    let mut descriptor = json!({
        "id": id,
        "shortDescription": { "text": rule.sentence() },
        "fullDescription": { "text": why },
        "help": { "text": format!("{why}\n\n{remedy}\n\ntwinops explain --rule {id}"), "markdown": rule.page() },
        "defaultConfiguration": { "level": if *severity == Severity::Error { "error" } else { "warning" } },
    });
    if let Some(uri) = rule.uri() {
        descriptor["helpUri"] = uri.into();
    }
    descriptor
}

fn result(remark: &Remark<'_>, fingerprint: String) -> Value {
    let level = match remark.level {
        Level::Notice => "note",
        Level::Warning => "warning",
        Level::Error => "error",
    };
    let locations: Vec<_> = remark.location.iter().map(location).collect();
    let mut result = json!({
        "ruleId": remark.rule,
        "level": level,
        "message": { "text": remark.message },
        "locations": locations,
        "partialFingerprints": { FINGERPRINT: fingerprint },
    });
    if !remark.related.is_empty() {
        let related = remark.related.iter().map(|(at, words)| {
            let mut location = location(at);
            location["message"] = json!({ "text": words });
            location
        });
        result["relatedLocations"] = related.collect();
    }
    if let Some(reason) = remark.waived {
        result["suppressions"] = json!([{ "kind": "inSource", "status": "accepted", "justification": reason }]);
    }
    result
}

fn location(at: &Location) -> Value {
    let uri = utf8_percent_encode(&at.file, PATH).to_string();
    let (end_line, end_column) = at.end;
    let mut region = json!({ "startLine": at.line, "startColumn": at.column });
    if (end_line, end_column) > (at.line, at.column) {
        region["endLine"] = end_line.into();
        region["endColumn"] = end_column.into();
    }
    json!({ "physicalLocation": { "artifactLocation": { "uri": uri }, "region": region } })
}
