//! An explanation for programs.

use std::io;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Author, ExplanationReport};
use crate::{
    fleet::resolve::{Explained, Layer, Role, Say},
    plan::Verdict,
    report::{
        Places,
        json::{self, Each, LocationView, VERSION},
        standing,
        value::Shown,
    },
};

/// Where the values of one device come from.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Explanation")]
pub(crate) struct View<'a> {
    /// The version of this format.
    version: u32,
    /// What this document is.
    kind: &'static str,
    /// The fleet's name.
    fleet: &'a str,
    /// The device.
    device: &'a str,
    /// The revision that was read; absent for the working tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<&'a str>,
    /// The documents that apply to the device, strongest first.
    layers: Each<'a, Layer, LayerView<'a>>,
    /// Declared values, in order of path, tags first.
    values: Each<'a, Explained, ValueView<'a>>,
}

/// A document that applies to the device.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Layer")]
struct LayerView<'a> {
    /// `Profile/NAME` or `Device/ID`.
    source: &'a str,
    /// The profile's priority; absent for the device's own document, which is stronger than any.
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i64>,
    /// The profile's condition; absent when it selects every device.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    condition: Option<&'a str>,
    /// Where the document begins.
    location: LocationView,
}

/// One value.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ExplainedValue")]
struct ValueView<'a> {
    /// Where in the twin.
    path: String,
    /// What it should be; absent: that it be absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a Value>,
    /// Whether it holds a secret; values are then the text `(secret)`.
    secret: bool,
    /// How it stands; absent when the twin was not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    /// What the twin holds, where that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<Shown<'a>>,
    /// What the device reports, where that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported: Option<Shown<'a>>,
    /// What the device said about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<std::borrow::Cow<'a, str>>,
    /// The IoT Hub configuration that wrote it, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    /// Since when it stands like this, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<&'a str>,
    /// What each document says about it, strongest first.
    says: Vec<SayView<'a>>,
}

/// What one document says about a value.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Say")]
struct SayView<'a> {
    /// The document.
    source: &'a str,
    /// How it fared.
    role: RoleView,
    /// What it says; absent: that the value be absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a Value>,
    /// What is written, where a reference was filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<&'a str>,
    /// The line.
    location: LocationView,
    /// The commit that wrote the line; absent when the line is in none, or it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<CommitView<'a>>,
    /// Whether the line is in no commit.
    uncommitted: bool,
}

/// How a document fares with what it says about a value.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Role")]
enum RoleView {
    /// Its word holds.
    Sets,
    /// It says the same as the one whose word holds.
    Agrees,
    /// Something stronger says otherwise.
    Overridden,
}

/// A commit.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Commit")]
struct CommitView<'a> {
    /// Its full id.
    id: &'a str,
    /// Who wrote it.
    author: &'a str,
    /// Their address.
    email: &'a str,
    /// When it was written: RFC 3339, UTC.
    time: String,
    /// The first line of its message.
    subject: &'a str,
    /// History is cut off at it (a shallow clone): the line may be older.
    cut_off: bool,
}

pub(super) fn write(report: &ExplanationReport<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let report = *report;
    let view = View {
        version: VERSION,
        kind: "explanation",
        fleet: report.fleet,
        device: report.device.as_str(),
        revision: report.revision,
        layers: Each::new(&report.explanation.layers, move |layer| layer_view(layer, report.places)),
        values: Each::new(&report.explanation.values, move |value| value_view(report, value)),
    };
    json::write(&view, out)
}

fn layer_view<'a>(layer: &'a Layer, places: &dyn Places) -> LayerView<'a> {
    let Layer { source, priority, condition, place } = layer;
    let location = LocationView::of(places, place);
    LayerView { source, priority: *priority, condition: condition.as_deref(), location }
}

fn value_view<'a>(report: ExplanationReport<'a>, value: &'a Explained) -> ValueView<'a> {
    let property = report.standing.and_then(|all| all.iter().find(|property| value.path.is_within(&property.path)));
    let others = property.map(standing::others).unwrap_or_default();
    let other = |name| others.iter().find(|(other, _)| *other == name).and_then(|(_, shown)| shown.some());
    ValueView {
        path: value.path.to_string(),
        value: some(&value.value),
        secret: value.secret,
        verdict: report.verdict(value).map(|(verdict, _)| verdict),
        live: other("live"),
        reported: other("reported"),
        message: property.and_then(standing::message),
        by: property.and_then(|property| property.by.as_deref()),
        since: property.and_then(|property| property.since.as_deref()),
        says: value.says.iter().map(|say| say_view(report, say)).collect(),
    }
}

fn say_view<'a>(report: ExplanationReport<'a>, say: &'a Say) -> SayView<'a> {
    let author = report.authors.get(&say.place);
    SayView {
        source: report.explanation.layers.get(say.layer).map_or("", |layer| &layer.source),
        role: match say.role {
            Role::Sets => RoleView::Sets,
            Role::Agrees => RoleView::Agrees,
            Role::Overridden => RoleView::Overridden,
        },
        value: some(&say.value),
        written: say.written.as_deref(),
        location: LocationView::of(report.places, &say.place),
        commit: author.and_then(commit_view),
        uncommitted: matches!(author, Some(Author::Uncommitted)),
    }
}

fn commit_view(author: &Author) -> Option<CommitView<'_>> {
    let Author::Commit { id, name, email, time, subject, cut_off } = author else { return None };
    Some(CommitView { id, author: name, email, time: time.to_string(), subject, cut_off: *cut_off })
}

fn some(value: &Value) -> Option<&Value> {
    (!value.is_null()).then_some(value)
}
