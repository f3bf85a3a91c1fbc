//! Check runs: a report beside a commit, with remarks on lines.

use reqwest::Method;
use serde_json::{Value, json};

use crate::forge::{
    Annotation, Check, ForgeError, Level, State,
    api::{part, short},
    http::Http,
};

/// Characters of a check run's summary.
const SUMMARY: usize = 65_535;
/// Remarks that one request may have.
const A_CALL: usize = 50;
/// Remarks in all: more than anybody reads, and 20 requests.
const IN_ALL: usize = 1_000;
/// Characters of a title.
const TITLE: usize = 255;
/// Characters of a message: 64 KB whatever they are.
const MESSAGE: usize = 16_000;

pub(super) async fn write(http: &Http, repository: &str, commit: &str, check: &Check<'_>) -> Result<(), ForgeError> {
    const DOING: &str = "write the check run";
    let shown = &check.annotations[..check.annotations.len().min(IN_ALL)];
    let summary = summary(check, shown.len())?;
    let output = |annotations: &[Annotation]| {
        let annotations: Vec<Value> = annotations.iter().map(annotation).collect();
        json!({ "title": short(check.title, TITLE), "summary": summary, "annotations": annotations })
    };
    let (first, rest) = shown.split_at(shown.len().min(A_CALL));
    let mut body = json!({
        "name": format!("twinops {}", check.name),
        "head_sha": commit,
        "status": "completed",
        "conclusion": conclusion(check.state),
        "output": output(first),
    });
    if let Some(url) = check.url {
        body["details_url"] = json!(url);
    }
    let made = http.write(DOING, Method::POST, &format!("{repository}/check-runs"), &body).await?;
    let id: u64 = http.read(DOING, made["id"].clone())?;
    let path = format!("{repository}/check-runs/{}", part(&id.to_string()));
    // Each request adds its remarks to those that are there.
    for more in rest.chunks(A_CALL) {
        http.write(DOING, Method::PATCH, &path, &json!({ "output": output(more) })).await?;
    }
    Ok(())
}

/// The report, and what is left out of the remarks.
fn summary(check: &Check<'_>, shown: usize) -> std::io::Result<String> {
    let left_out = check.annotations.len() - shown;
    let said = if left_out == 0 { String::new() } else { format!("\n\n{left_out} more remarks are not shown here.") };
    Ok(check.body.within(SUMMARY - said.len())?.text + &said)
}

const fn conclusion(state: State) -> &'static str {
    match state {
        State::Passed => "success",
        State::Waiting => "neutral",
        State::Failed => "failure",
    }
}

fn annotation(of: &Annotation) -> Value {
    let level = match of.level {
        Level::Notice => "notice",
        Level::Warning => "warning",
        Level::Failure => "failure",
    };
    let (first, last) = of.lines;
    let mut annotation = json!({
        "path": of.path,
        "start_line": first,
        "end_line": last.max(first),
        "annotation_level": level,
        "title": short(&of.title, TITLE),
        "message": short(&of.message, MESSAGE),
    });
    // Columns are taken on one line alone.
    if let (Some((from, to)), true) = (of.columns, last <= first) {
        annotation["start_column"] = json!(from);
        annotation["end_column"] = json!(to.max(from));
    }
    annotation
}
