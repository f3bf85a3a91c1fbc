//! What `plan`, `reconcile`, `drift`, `status` and `explain` do first: read the fleet at a revision, refuse it if it
//! is not sound, and make a planner of it.

use std::{path::Path, sync::Arc};

use super::{
    Exit, Failure, Printer,
    workspace::{Declared, Files, Workspace},
};
use crate::{
    fleet::Finding,
    plan::Planner,
    report::{Findings, Format},
};

/// A fleet that may be planned with.
pub(crate) struct Prepared {
    pub(crate) declared: Declared,
    pub(crate) planner: Arc<Planner>,
}

/// A command's result, or the findings that stand in its way, already told.
pub(crate) enum Ready<T> {
    Go(T),
    Findings,
}

/// What a command works on.
pub(crate) struct Desk<'a> {
    pub(crate) printer: &'a Printer,
    pub(crate) format: Format,
    pub(crate) root: &'a Path,
    /// Authorities to trust.
    pub(crate) ca: Option<&'a Path>,
}

impl Desk<'_> {
    /// A planner for the fleet as declared, with its history.
    pub(crate) async fn prepare(&self, workspace: &Workspace, declared: Declared) -> Result<Ready<Prepared>, Failure> {
        if declared.is_sound() {
            workspace.unseal(&declared).await?;
        }
        let resolver = declared.is_sound().then(|| workspace.resolver(&declared)).flatten();
        let Some(resolver) = resolver else {
            self.findings(&declared, &declared.loaded.findings)?;
            return Ok(Ready::Findings);
        };
        for finding in declared.warnings() {
            self.printer.warn(format_args!("{}: {} (see `twinops validate`)", finding.rule, finding.message));
        }
        let today = jiff::Zoned::now().date();
        let planner = Planner::new(resolver, &declared.revision, workspace.history(), today);
        Ok(Ready::Go(Prepared { declared, planner: Arc::new(planner) }))
    }

    /// Tells findings, wherever they were found.
    pub(crate) fn findings(&self, declared: &Declared, findings: &[Finding]) -> Result<Exit, Failure> {
        let places = Files::new(&declared.source, self.root);
        let documents = declared.loaded.documents as u64;
        self.printer.report(&Findings { findings, waived: &[], documents, places: &places }, self.format)?;
        Ok(Exit::Findings)
    }

    /// Says once that the working tree is not what is planned.
    pub(crate) fn mention_uncommitted(&self, workspace: &Workspace, revision: &str) {
        if revision != "HEAD" {
            return;
        }
        // A bare repository has no working tree that could be ahead.
        let Ok(files) = workspace.uncommitted() else { return };
        if let Some(first) = files.first() {
            let more = if files.len() > 1 { format!(" and {} more", files.len() - 1) } else { String::new() };
            self.printer.warn(format_args!("not committed and left out: {first}{more}"));
        }
    }
}
