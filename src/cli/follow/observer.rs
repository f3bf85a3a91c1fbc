//! Whoever wants to know what a run does: the metrics, the file of events, and the collector of traces.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::{journal::Journal, metrics::Metrics, trace::Traces};
use crate::{
    cli::{
        Exit, Failure, Printer,
        args::FollowArgs,
        workspace::{Declared, Workspace},
    },
    client::HubClient,
    plan::{GroupKind, Plan},
    reconcile::{Event, Outcome},
    repo::SignatureError,
};

/// Hears of all that runs do.
#[derive(Clone)]
pub(crate) struct Observer {
    pub(super) metrics: Arc<Metrics>,
    journal: Option<Arc<Journal>>,
    traces: Option<Arc<Traces>>,
}

impl Observer {
    /// By the arguments.
    pub(crate) fn open(args: &FollowArgs, printer: &Printer) -> Result<Self, Failure> {
        let journal = args.events.as_ref().map(|path| Journal::open(path, printer)).transpose()?;
        let traces = args.otlp.as_deref().map(Traces::new).transpose()?;
        Ok(Self { metrics: Arc::default(), journal: journal.map(Arc::new), traces: traces.map(Arc::new) })
    }

    /// The fleet that a run is for, as of `revision` or the working tree: signed, where it has to be.
    pub(crate) fn declared(
        &self,
        args: &FollowArgs,
        revision: &str,
        workspace: &Workspace,
    ) -> Result<Declared, Failure> {
        if args.worktree {
            let declared = workspace.worktree()?;
            self.about(&declared.revision, None);
            return Ok(declared);
        }
        let repo = workspace.repo()?;
        let revision = repo.revision(Some(revision))?;
        let author = repo.commit_info(&revision)?.map(|commit| format!("{} <{}>", commit.author, commit.email));
        self.about(&revision.id, author.as_deref());
        if let Some(signers) = &args.require_signed {
            repo.verify(&revision, signers).map_err(unsigned)?;
        }
        drop(repo);
        Ok(workspace.at(&revision.id)?)
    }

    fn about(&self, revision: &str, actor: Option<&str>) {
        if let Some(journal) = &self.journal {
            journal.about(revision, actor);
        }
        if let Some(traces) = &self.traces {
            traces.begin(revision, actor);
        }
    }

    /// A plan has been made.
    pub(crate) fn planned(&self, plan: &Plan, took: Duration) {
        self.metrics.planned(plan, took);
        let (change, adopt) = (plan.devices(GroupKind::Change), plan.devices(GroupKind::Adopt));
        self.step("plan", took, &[("twinops.examined", plan.counts.examined), ("twinops.changes", change)]);
        self.write("planned", json!({ "examined": plan.counts.examined, "change": change, "adopt": adopt }));
    }

    /// Something happened while a plan is carried out.
    pub(crate) fn on(&self, event: &Event) {
        self.metrics.event(event);
        match event {
            Event::Applied { device, adopt } => self.write("applied", json!({ "device": device, "adopt": adopt })),
            Event::Registered { device } => self.write("registered", json!({ "device": device })),
            Event::Failed { device, reason } => self.write("failed", json!({ "device": device, "reason": &**reason })),
            Event::Throttled { wait, .. } => self.write("throttled", json!({ "seconds": wait.as_secs_f64() })),
            _ => {}
        }
    }

    /// A plan has been carried out.
    pub(crate) fn applied(&self, outcome: &Outcome, hub: &HubClient, took: Duration) {
        self.metrics.applied(outcome, took);
        self.metrics.calls(&hub.calls());
        self.step(
            "apply",
            took,
            &[("twinops.applied", outcome.applied), ("twinops.failed", outcome.failed.len() as u64)],
        );
        let (failed, stale) = (outcome.failed.len(), outcome.stale.len());
        let rest = json!({ "failed": failed, "stale": stale, "notAttempted": outcome.not_attempted });
        let mut done = json!({ "applied": outcome.applied, "adopted": outcome.adopted });
        if let (Some(done), Some(rest)) = (done.as_object_mut(), rest.as_object()) {
            done.extend(rest.clone());
        }
        self.write("finished", done);
    }

    fn step(&self, name: &'static str, took: Duration, counts: &[(&'static str, u64)]) {
        if let Some(traces) = &self.traces {
            traces.step(name, took, counts.iter().map(|(key, count)| (*key, (*count).into())).collect());
        }
    }

    /// A run has ended; what is left to do is to send its spans. A collector that does not take them is worth a warning.
    pub(crate) fn ended(
        &self,
        ended: &Result<Exit, Failure>,
        printer: &Printer,
    ) -> impl Future<Output = ()> + Send + use<> {
        let sending = self.traces.as_ref().and_then(|traces| traces.end(ended.is_ok()));
        let printer = printer.clone();
        async move {
            if let Some(Err(error)) = async { Some(sending?.await) }.await {
                printer.warn(format_args!("the trace could not be sent: {error}"));
            }
        }
    }

    pub(super) fn write(&self, event: &str, more: serde_json::Value) {
        if let Some(journal) = &self.journal {
            journal.write(event, more);
        }
    }
}

fn unsigned(error: SignatureError) -> Failure {
    match error {
        SignatureError::Refused { .. } => Failure::new(Exit::Guard, error)
            .help("sign it (`git commit --amend --gpg-sign`), or name its key in the file of allowed signers"),
        other => other.into(),
    }
}
