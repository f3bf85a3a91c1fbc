//! `twinops validate`: everything that is wrong, without a hub; with live twins, what only they can tell.

use std::{path::Path, sync::Arc};

use tokio::task::block_in_place;

use crate::{
    cli::{
        Exit, Failure,
        access::{Access, Twins},
        args::ValidateArgs,
        check::Checker,
        prepare::Desk,
        watch::Watch,
        workspace::{Files, Workspace},
    },
    fleet::{
        Checked, Severity, Validation, load,
        resolve::{Census, Resolver},
    },
    reconcile::{ports::TwinRead as _, survey},
    report::{Findings, Format},
    task::Stop,
};

/// Checks the files as they lie in the folder, committed or not; or those of a revision.
pub(crate) async fn run(args: &ValidateArgs, desk: &Desk<'_>, stop: &Stop) -> Result<Exit, Failure> {
    let workspace = Workspace::open(desk.root)?;
    if args.live || args.snapshot.is_some() {
        let checked = stop.unless(Box::pin(with_twins(args, desk, &workspace))).await;
        return checked.map_or(Ok(Exit::Interrupted), |checked| tell(&checked?, desk));
    }
    let mut checker = Checker::new(&workspace, args.watch);
    if args.watch {
        return watch(&mut checker, desk, stop).await;
    }
    let result = match &args.revision {
        Some(revision) => checker.revision(revision)?,
        None => checker.on_disk()?,
    };
    tell(&result, desk)
}

/// Checks the files, and holds every twin of the snapshot, or of the hub, against them.
async fn with_twins(args: &ValidateArgs, desk: &Desk<'_>, workspace: &Workspace) -> Result<Checked, Failure> {
    let (source, loaded) = if let Some(revision) = &args.revision {
        let declared = workspace.at(revision)?;
        (declared.source, declared.loaded)
    } else {
        let source = Arc::new(workspace.files()?);
        let loaded = load(&source);
        (source, loaded)
    };
    let documents = loaded.documents;
    let mut validation = Validation::new(&source, loaded);
    match validation.resolver() {
        Some(resolver) => validation.add_twins(census(args, desk, Arc::clone(resolver)).await?),
        None => desk.printer.warn("the documents are at fault: the twins were not looked at"),
    }
    let (findings, waivers) = validation.finish();
    Ok(Checked { findings, waivers, documents, source: Arc::unwrap_or_clone(source) })
}

/// Looks at every twin of the snapshot, or of the hub.
async fn census(args: &ValidateArgs, desk: &Desk<'_>, resolver: Arc<Resolver>) -> Result<Census, Failure> {
    let access = Access { hub: &args.hub, ca: desk.ca };
    let twins = Twins::open(resolver.fleet(), access, args.snapshot.as_ref())?;
    let progress = desk.printer.progress("looking at twins", None);
    let census = survey::census(twins.twins("SELECT * FROM devices"), resolver).await?;
    progress.finish();
    Ok(census)
}

/// Checks again at every save, until asked to stop. The last result's exit code.
async fn watch(checker: &mut Checker<'_>, desk: &Desk<'_>, stop: &Stop) -> Result<Exit, Failure> {
    // Before the first look, so that no change slips in between.
    let mut watch = Watch::folder(desk.root)?;
    let mut exit = Exit::Done;
    while !stop.is_requested() {
        exit = match block_in_place(|| checker.on_disk()) {
            Ok(result) => {
                clear(desk);
                tell(&result, desk)?
            }
            // A file that is gone again, say: the next change brings the next look.
            Err(error) => desk.printer.failure(&error.into()),
        };
        desk.printer.say(format_args!("watching {}; Ctrl-C ends", shown(desk.root)));
        tokio::select! {
            // Both only wait: whichever comes second is asked for again.
            () = watch.changed() => {}
            () = stop.requested() => {}
        }
    }
    Ok(exit)
}

/// Only people look at the latest result alone.
fn clear(desk: &Desk<'_>) {
    if desk.format == Format::Text {
        desk.printer.clear_screen();
    }
}

fn shown(root: &Path) -> String {
    if root == Path::new(".") { "this folder".to_owned() } else { root.display().to_string() }
}

fn tell(checked: &Checked, desk: &Desk<'_>) -> Result<Exit, Failure> {
    let Checked { findings, waivers, documents, source } = checked;
    let places = Files::new(source, desk.root);
    let report = Findings { findings, waived: waivers.waived(), documents: *documents as u64, places: &places };
    desk.printer.report(&report, desk.format)?;
    let sound = findings.iter().all(|finding| finding.severity < Severity::Error);
    Ok(if sound { Exit::Done } else { Exit::Findings })
}
