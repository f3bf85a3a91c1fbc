//! `twinops validate`: everything that is wrong, without a hub.

use std::{path::Path, sync::Arc};

use crate::{
    cli::{
        Exit, Failure, Printer,
        workspace::{Files, Workspace},
    },
    fleet::{
        self, Severity,
        resolve::{self, Resolver, Secrets},
    },
    report::{Findings, Format},
};

/// Checks the files as they lie in the folder, committed or not.
pub(crate) fn run(root: &Path, format: Format, printer: &Printer) -> Result<Exit, Failure> {
    let source = Workspace::open(root)?.files()?;
    let loaded = fleet::load(&source);
    let mut findings = loaded.findings.clone();
    // Merging what is broken would only repeat what was found.
    if let Some(fleet) = loaded.fleet.clone().filter(|_| loaded.is_sound()) {
        let resolver = Resolver::new(fleet, Arc::clone(&loaded.registry), Secrets::placeholders());
        findings.extend(resolve::check(&resolver));
    }
    let places = Files::new(&source, root);
    let documents = loaded.documents as u64;
    printer.report(&Findings { findings: &findings, documents, places: &places }, format)?;
    let sound = findings.iter().all(|finding| finding.severity < Severity::Error);
    Ok(if sound { Exit::Done } else { Exit::Findings })
}
