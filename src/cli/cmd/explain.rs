//! `twinops explain`: where the values of one device come from, who wrote them, and how each stands. Given a reader only.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    cli::{
        Exit, Failure,
        access::{Access, Twins},
        args::ExplainArgs,
        login,
        prepare::{Desk, Prepared, Ready},
        workspace::{Files, Workspace},
    },
    fleet::{
        Place,
        resolve::{Explanation, Facts},
    },
    plan::{DeviceVerdict, PlanError},
    reconcile::ports::{TwinRead as _, TwinText},
    repo::{LineOrigin, Lines},
    report::{Author, ExplanationReport},
    twin::{DeviceId, Map, PropertyPath},
};

/// Explains one device, or one value of it.
pub(crate) async fn run(args: &ExplainArgs, desk: &Desk<'_>) -> Result<Exit, Failure> {
    let Some(device) = &args.device else { return Err(Failure::usage("a device has to be named")) };
    let judges = args.snapshot.is_some() || login::is_given(&args.hub);
    let workspace = Workspace::open(desk.root)?.about(device);
    // Nobody is compared with a secret that is not shown.
    let workspace = if judges { workspace } else { workspace.without_secrets() };
    let declared = if args.worktree {
        workspace.on_disk()?
    } else {
        desk.mention_uncommitted(&workspace, &args.repo.revision);
        workspace.at(&args.repo.revision)?
    };
    let Ready::Go(prepared) = desk.prepare(&workspace, declared).await? else { return Ok(Exit::Findings) };
    let twin = if judges { twin(args, device, desk, &prepared).await? } else { None };
    if !judges {
        desk.printer.say("neither a hub nor a snapshot is given: how the values stand is not told");
    }
    let (explanation, standing) = match look(device, &prepared, twin.as_ref()) {
        Ok(found) => found,
        Err(PlanError::Unresolved(unresolved)) => return desk.findings(&prepared.declared, &unresolved.findings),
        Err(error) => return Err(error.into()),
    };
    let explanation = of_interest(explanation, args.path.as_ref());
    if explanation.values.is_empty() {
        desk.printer.say(nothing(args, twin.is_some()));
    }
    let places = Files::new(&prepared.declared.source, desk.root);
    let authors = authors(desk, &workspace, &prepared, &places, &explanation);
    let report = ExplanationReport {
        fleet: &prepared.planner.fleet().name,
        device,
        revision: (!args.worktree).then(|| prepared.planner.revision()),
        explanation: &explanation,
        standing: standing.as_ref().map(|device| device.properties.as_slice()),
        authors: &authors,
        places: &places,
    };
    desk.printer.report(&report, desk.format)?;
    Ok(Exit::Done)
}

/// The device's twin; `None` for a device that is declared and that the hub does not know yet.
async fn twin(
    args: &ExplainArgs,
    device: &DeviceId,
    desk: &Desk<'_>,
    prepared: &Prepared,
) -> Result<Option<TwinText>, Failure> {
    let access = Access { hub: &args.hub, ca: desk.ca };
    let twins = Twins::open(prepared.planner.fleet(), access, args.snapshot.as_ref())?;
    let found = twins.twin(device).await?;
    if found.is_none() {
        let message = format!("the hub does not know the device `{device}`");
        if !prepared.planner.fleet().devices.contains_key(device) {
            return Err(Failure::new(Exit::Failed, message).help(
                "mend the name; or declare the device with an `identity`, and `twinops reconcile` registers it",
            ));
        }
        desk.printer.warn(message);
    }
    Ok(found)
}

/// What documents say about the device, and how that stands in its twin.
fn look(
    device: &DeviceId,
    prepared: &Prepared,
    twin: Option<&TwinText>,
) -> Result<(Option<Explanation>, Option<DeviceVerdict>), PlanError> {
    let planner = &prepared.planner;
    let Some(twin) = twin else {
        let facts = Facts { id: device, tags: &Map::new(), reported: None, model_id: None };
        return Ok((planner.resolver().explain(&facts)?, None));
    };
    let row = twin.row()?;
    let (tags, reported) = (planner.deciding_tags(&row)?, row.properties.reported.values()?);
    let facts = Facts { id: device, tags: &tags, reported: Some(&reported), model_id: row.model_id.as_deref() };
    Ok((planner.resolver().explain(&facts)?, planner.verdict(&row)?))
}

fn of_interest(explanation: Option<Explanation>, path: Option<&PropertyPath>) -> Explanation {
    let mut explanation = explanation.unwrap_or_default();
    if let Some(path) = path {
        // A value that stands for all that lies below it explains what is asked for as well.
        explanation.values.retain(|value| value.path.is_within(path) || path.is_within(&value.path));
    }
    explanation
}

fn nothing(args: &ExplainArgs, has_twin: bool) -> &'static str {
    match (&args.path, has_twin) {
        (Some(_), _) => "no document says anything about it: it is foreign, and left alone",
        (None, true) => "no document applies to the device: it is foreign, and left alone",
        (None, false) => "no document applies to the device by its name alone; a hub or a snapshot knows its tags",
    }
}

/// Who wrote the lines that are shown. What git cannot tell is left out, and said.
fn authors(
    desk: &Desk<'_>,
    workspace: &Workspace,
    prepared: &Prepared,
    places: &Files<'_>,
    explanation: &Explanation,
) -> BTreeMap<Place, Author> {
    let says = explanation.values.iter().flat_map(|value| &value.says);
    let at: BTreeMap<&Place, (Arc<str>, usize)> =
        says.filter_map(|say| Some((&say.place, places.line(&say.place)?))).collect();
    let mut lines = Lines::new();
    for (file, line) in at.values() {
        lines.entry(file.clone()).or_default().insert(*line);
    }
    match workspace.blame(&prepared.declared, &lines) {
        Ok(origins) => {
            at.into_iter().filter_map(|(place, line)| Some((place.clone(), author(origins.get(&line)?)))).collect()
        }
        Err(error) => {
            desk.printer.warn(format_args!("git cannot tell who wrote the lines: {error}"));
            BTreeMap::new()
        }
    }
}

fn author(origin: &LineOrigin) -> Author {
    match origin {
        LineOrigin::Uncommitted => Author::Uncommitted,
        LineOrigin::Commit { commit, cut_off } => Author::Commit {
            id: commit.id.clone(),
            name: commit.author.clone(),
            email: commit.email.clone(),
            time: commit.time,
            subject: commit.subject.clone(),
            cut_off: *cut_off,
        },
    }
}
