//! `twinops validate`: everything that is wrong, without a hub.

use std::sync::Arc;

use crate::{
    cli::{
        Exit, Failure,
        args::ValidateArgs,
        prepare::Desk,
        workspace::{Files, Workspace},
    },
    fleet::{
        Severity, in_order, load,
        resolve::{self, Resolver, Secrets},
    },
    report::Findings,
};

/// Checks the files as they lie in the folder, committed or not; or those of a revision.
pub(crate) fn run(args: &ValidateArgs, desk: &Desk<'_>) -> Result<Exit, Failure> {
    let workspace = Workspace::open(desk.root)?;
    let (source, loaded) = if let Some(revision) = &args.revision {
        let declared = workspace.at(revision)?;
        (declared.source, declared.loaded)
    } else {
        let source = Arc::new(workspace.files()?);
        let loaded = load(&source);
        (source, loaded)
    };
    let mut findings = loaded.findings.clone();
    // Merging what is broken would only repeat what was found.
    if let Some(fleet) = loaded.fleet.clone().filter(|_| loaded.is_sound()) {
        let resolver = Resolver::new(fleet, Arc::clone(&loaded.registry), Secrets::placeholders());
        findings.extend(resolve::check(&resolver));
        findings = in_order(findings, &source);
    }
    let places = Files::new(&source, desk.root);
    let documents = loaded.documents as u64;
    desk.printer.report(&Findings { findings: &findings, documents, places: &places }, desk.format)?;
    let sound = findings.iter().all(|finding| finding.severity < Severity::Error);
    Ok(if sound { Exit::Done } else { Exit::Findings })
}
