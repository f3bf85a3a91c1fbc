//! `twinops validate`: everything that is wrong, without a hub.

use std::path::Path;

use tokio::task::block_in_place;

use crate::{
    cli::{
        Exit, Failure,
        args::ValidateArgs,
        check::Checker,
        prepare::Desk,
        watch::Watch,
        workspace::{Files, Workspace},
    },
    fleet::{Checked, Severity},
    report::{Findings, Format},
    task::Stop,
};

/// Checks the files as they lie in the folder, committed or not; or those of a revision.
pub(crate) async fn run(args: &ValidateArgs, desk: &Desk<'_>, stop: &Stop) -> Result<Exit, Failure> {
    let workspace = Workspace::open(desk.root)?;
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
    let Checked { findings, documents, source } = checked;
    let places = Files::new(source, desk.root);
    desk.printer.report(&Findings { findings, documents: *documents as u64, places: &places }, desk.format)?;
    let sound = findings.iter().all(|finding| finding.severity < Severity::Error);
    Ok(if sound { Exit::Done } else { Exit::Findings })
}
