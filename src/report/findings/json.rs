//! Findings for programs.

use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use super::Findings;
use crate::{
    fleet::{Finding, Severity, Waived},
    report::{
        Places,
        json::{self, Each, LocationView, VERSION},
        words,
    },
};

/// What is wrong in a fleet repository.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Findings")]
pub(crate) struct View<'a> {
    /// The version of this format.
    version: u32,
    /// What this document is.
    kind: &'static str,
    /// In numbers.
    summary: Summary,
    /// In the order in which they are to be read.
    findings: Each<'a, Finding, FindingView<'a>>,
    /// What comments in the documents take back.
    waived: Each<'a, Waived, WaivedView<'a>>,
}

/// Findings in numbers.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Summary {
    /// Documents looked at.
    documents: u64,
    /// Findings that stop a plan.
    errors: u64,
    /// Findings that do not.
    warnings: u64,
    /// Findings that are taken back by a comment, and not counted above.
    waived: u64,
}

/// A finding that does not count, because a comment in the document says so.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Waived")]
struct WaivedView<'a> {
    /// Why it does not.
    reason: &'a str,
    /// What was found.
    #[serde(flatten)]
    finding: FindingView<'a>,
}

/// One thing that is wrong.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Finding")]
pub(crate) struct FindingView<'a> {
    /// The rule's id, in kebab case.
    rule: &'a str,
    /// `error` stops a plan, `warning` does not.
    #[schemars(with = "SeverityWord")]
    severity: Severity,
    /// What is wrong.
    message: &'a str,
    /// What is expected at the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    /// Where; absent when the fault is of the repository as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<LocationView>,
    /// Other places that have to do with it.
    related: Vec<Related<'a>>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

/// The words for a severity.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Severity")]
#[expect(dead_code, reason = "describes `Severity`, which serializes itself, to the schema")]
enum SeverityWord {
    /// Nothing stops.
    Warning,
    /// Stops a plan.
    Error,
}

/// Another place that has to do with a finding.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Related<'a> {
    /// What it has to do with it.
    message: &'a str,
    /// Where.
    location: LocationView,
}

pub(super) fn write(report: &Findings<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let summary = Summary {
        documents: report.documents,
        errors: report.count(Severity::Error),
        warnings: report.count(Severity::Warning),
        waived: words::wide(report.waived.len()),
    };
    let findings = Each::new(report.findings, |finding| view(finding, report.places));
    let waived = Each::new(report.waived, |waived| WaivedView {
        reason: &waived.reason,
        finding: view(&waived.finding, report.places),
    });
    json::write(&View { version: VERSION, kind: "findings", summary, findings, waived }, out)
}

fn view<'a>(finding: &'a Finding, places: &dyn Places) -> FindingView<'a> {
    FindingView {
        rule: finding.rule,
        severity: finding.severity,
        message: &finding.message,
        label: finding.label.as_deref(),
        location: finding.place.as_ref().map(|place| LocationView::of(places, place)),
        related: finding
            .related
            .iter()
            .map(|(place, message)| Related { message, location: LocationView::of(places, place) })
            .collect(),
        help: finding.help.as_deref(),
    }
}
