//! SARIF 2.1.0, the exchange format of static analysis: the small part of it that places remarks in files.

use std::{collections::BTreeSet, io};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{
    Limits, Location, Paper, Report,
    remark::{Level, Remark},
};

/// What a path keeps in a URI.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');
/// Results shown: GitHub takes 5,000 of a file and refuses 25,001.
const MOST: usize = 5000;

pub(crate) fn write(report: &dyn Report, paper: &Paper, out: &mut dyn io::Write) -> io::Result<()> {
    let paper = Paper { limits: Limits { groups: MOST, ..paper.limits }, ..*paper };
    let mut rules = BTreeSet::new();
    let mut results = Vec::new();
    report.remarks(&paper, &mut |remark| {
        rules.insert(remark.rule.to_owned());
        results.push(result(remark));
        Ok(())
    })?;
    let rules: Vec<_> = rules.into_iter().map(|id| json!({ "id": id })).collect();
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

fn result(remark: &Remark<'_>) -> Value {
    let level = match remark.level {
        Level::Notice => "note",
        Level::Warning => "warning",
        Level::Error => "error",
    };
    let locations: Vec<_> = remark.location.iter().map(location).collect();
    json!({
        "ruleId": remark.rule,
        "level": level,
        "message": { "text": remark.message },
        "locations": locations,
    })
}

fn location(at: &Location) -> Value {
    let uri = utf8_percent_encode(&at.file, PATH).to_string();
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri },
            "region": { "startLine": at.line, "startColumn": at.column },
        },
    })
}
