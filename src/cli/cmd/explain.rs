//! `twinops explain`: where the values of one device come from, and how each stands.

use std::{collections::BTreeMap, io};

use serde_json::{Value, json};

use crate::{
    cli::{
        Exit, Failure,
        access::{Access, Twins},
        args::ExplainArgs,
        prepare::{Desk, Prepared, Ready},
        workspace::{Files, Workspace},
    },
    fleet::resolve::Facts,
    plan::{PlanError, Verdict},
    reconcile::ports::TwinRead as _,
    report::{Format, Places as _},
    twin::{PropertyPath, Section, TwinRow, leaves},
};

/// One value, explained.
struct Line {
    path: PropertyPath,
    value: Option<Value>,
    origin: Option<String>,
    verdict: Verdict,
    message: Option<String>,
}

/// Explains one device, or one value of it.
pub(crate) async fn run(args: &ExplainArgs, desk: &Desk<'_>) -> Result<Exit, Failure> {
    if !matches!(desk.format, Format::Text | Format::Json) {
        return Err(Failure::usage("an explanation is written as text or json"));
    }
    let workspace = Workspace::open(desk.root)?;
    let declared = workspace.at(&args.repo.revision)?;
    let Ready::Go(prepared) = desk.prepare(&workspace, declared)? else { return Ok(Exit::Findings) };
    let access = Access { hub: &args.hub, ca: desk.ca };
    let twins = Twins::open(prepared.planner.fleet(), access, args.snapshot.as_ref())?;
    let Some(text) = twins.twin(&args.device).await? else {
        return Err(Failure::new(Exit::Failed, format!("the hub does not know the device `{}`", args.device))
            .help("`twinops reconcile` registers declared devices that have an `identity`"));
    };
    let lines = match explain(desk, &prepared, &text.row()?) {
        Ok(lines) => lines,
        Err(PlanError::Unresolved(unresolved)) => return desk.findings(&prepared.declared, &unresolved.findings),
        Err(error) => return Err(error.into()),
    };
    let shown: Vec<&Line> =
        lines.iter().filter(|line| args.path.as_ref().is_none_or(|path| line.path.is_within(path))).collect();
    if shown.is_empty() {
        desk.printer.say("no document says anything about it: it is foreign, and left alone");
    }
    desk.printer.result(|out| match desk.format {
        Format::Json => write_json(&shown, out),
        Format::Text | Format::Markdown | Format::Sarif | Format::Junit | Format::Github => write_text(&shown, out),
    })?;
    Ok(Exit::Done)
}

fn explain(desk: &Desk<'_>, prepared: &Prepared, row: &TwinRow<'_>) -> Result<Vec<Line>, PlanError> {
    let (id, tags, reported) = (row.id()?, row.tags()?, row.properties.reported.values()?);
    let facts = Facts { id: &id, tags: &tags, reported: Some(&reported), model_id: row.model_id.as_deref() };
    let resolver = prepared.planner.resolver();
    let Some(wanted) = resolver.wanted(&facts)? else { return Ok(Vec::new()) };
    let standing = prepared.planner.verdict(row)?;
    let judged: BTreeMap<&PropertyPath, _> =
        standing.iter().flat_map(|device| &device.properties).map(|property| (&property.path, property)).collect();
    let places = Files::new(&prepared.declared.source, desk.root);
    let sections = [(Section::Tags, &wanted.tags), (Section::Desired, &wanted.desired)];
    let all = sections.into_iter().flat_map(|(section, values)| {
        leaves(values).into_iter().map(move |leaf| (section.path(leaf.keys), leaf.value))
    });
    let line = |(path, value): (PropertyPath, &Value)| {
        let judged = judged.iter().find(|(at, _)| path.is_within(at)).map(|(_, property)| property);
        let origin = resolver.origin(&wanted, &path);
        let value = if wanted.is_secret(&path) { json!("(secret)") } else { value.clone() };
        Line {
            value: (!value.is_null()).then_some(value),
            origin: origin.and_then(|place| places.locate(&place)).map(|found| found.to_string()),
            verdict: judged.map_or(Verdict::Compliant, |property| property.verdict),
            message: judged.and_then(|property| property.message.clone()),
            path,
        }
    };
    Ok(all.map(line).filter(|line| line.path.keys.last().is_none_or(|key| &**key != "__t")).collect())
}

fn write_text(lines: &[&Line], out: &mut dyn io::Write) -> io::Result<()> {
    let widest = lines.iter().map(|line| line.path.to_string().len()).max().unwrap_or(0);
    for line in lines {
        let value = line.value.as_ref().map_or_else(|| "(must not be there)".to_owned(), Value::to_string);
        write!(out, "{:<widest$}  {:<11}  {value}", line.path.to_string(), line.verdict)?;
        if let Some(origin) = &line.origin {
            write!(out, "  {origin}")?;
        }
        if let Some(message) = &line.message {
            write!(out, "  {}", crate::report::plain(message))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn write_json(lines: &[&Line], out: &mut dyn io::Write) -> io::Result<()> {
    let told = |line: &&Line| {
        json!({
            "path": line.path, "value": line.value, "origin": line.origin,
            "verdict": line.verdict, "message": line.message,
        })
    };
    let values: Vec<Value> = lines.iter().map(told).collect();
    writeln!(out, "{}", json!({ "version": 1, "kind": "explanation", "values": values }))
}
