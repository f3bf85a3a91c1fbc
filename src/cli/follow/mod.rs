//! `twinops reconcile --watch`: one run after the other. Polls, webhooks and saves say when to look; what is done comes
//! from git and the twins alone, and a run is the same as without `--watch`.

mod hook;
mod journal;
mod listen;
mod metrics;
mod observer;
mod state;
mod trace;
mod verdicts;

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hook::Hook;
pub(crate) use observer::Observer;
use state::Told;
use tokio::{
    sync::Notify,
    task::block_in_place,
    time::{Instant, sleep},
};

use super::{
    Exit, Failure,
    args::{FollowArgs, ReconcileArgs},
    cmd::reconcile,
    prepare::Desk,
    watch::Watch,
    workspace::Workspace,
};
use crate::{
    hub::{
        CertificateFiles,
        web::{FEW, Tls},
    },
    iothub::Secret,
    task::{Group, Stop},
};

/// Where the secret of the webhook stands.
const SECRET: &str = "TWINOPS_WEBHOOK_SECRET";
/// A shorter secret can be guessed.
const SHORTEST: usize = 16;

/// Reconciles until asked to stop.
pub(crate) async fn run(
    args: &ReconcileArgs,
    desk: &Desk<'_>,
    observer: &Observer,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let mut group = Group::new(stop.child());
    let nudge = Arc::new(Notify::new());
    listen(&args.follow, desk, observer, &nudge, &mut group).await?;
    let mut files = args.follow.worktree.then(|| Watch::folder(desk.root)).transpose()?;
    let told = Told::new(desk.root.display().to_string(), args.follow.notify.as_deref())?;
    let mut follower =
        Follower { args, desk, observer, stop, told, last: None, first_seen: Instant::now(), behind: false };
    while !stop.is_requested() {
        follower.look().await;
        let wait = jittered(args.follow.poll);
        tokio::select! {
            // All of them only wait: whichever comes second is asked for again.
            () = nudge.notified() => {}
            () = saved(&mut files) => {}
            () = sleep(wait) => {}
            () = stop.requested() => {}
        }
    }
    group.finish().await;
    Ok(Exit::Done)
}

async fn saved(files: &mut Option<Watch>) {
    match files {
        Some(files) => files.changed().await,
        None => std::future::pending().await,
    }
}

/// From four to six fifths of an interval: many reconcilers do not ask one remote at the same time.
fn jittered(poll: Duration) -> Duration {
    poll.mul_f64(0.8 + fastrand::f64() * 0.4)
}

/// Listens where the arguments say.
async fn listen(
    args: &FollowArgs,
    desk: &Desk<'_>,
    observer: &Observer,
    nudge: &Arc<Notify>,
    group: &mut Group,
) -> Result<(), Failure> {
    let mut places: BTreeMap<SocketAddr, (Vec<&str>, Router)> = BTreeMap::new();
    let mut add = |address: SocketAddr, path, more| {
        let (paths, router) = places.entry(address).or_default();
        paths.push(path);
        *router = std::mem::take(router).merge(more);
    };
    if let Some(address) = args.webhook {
        add(address, "webhook", listen::webhook(Hook::new(secret()?), Arc::clone(nudge)));
    }
    if let Some(address) = args.metrics {
        add(address, "metrics", listen::metrics(Arc::clone(&observer.metrics)));
    }
    let tls = certificate(args)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    for (address, (paths, router)) in places {
        let bound = super::listen::serve(address, router, tls.clone(), FEW, group).await?;
        for path in paths {
            desk.printer.say(format_args!("listening at {scheme}://{bound}/{path}"));
        }
    }
    Ok(())
}

fn certificate(args: &FollowArgs) -> Result<Option<Tls>, Failure> {
    let files = args.listen_cert.clone().zip(args.listen_key.clone());
    let files = files.map(|(chain, key)| CertificateFiles { chain, key });
    Ok(files.as_ref().map(Tls::new).transpose()?)
}

fn secret() -> Result<Secret, Failure> {
    match std::env::var(SECRET) {
        Ok(secret) if secret.len() >= SHORTEST => Ok(Secret::new(secret)),
        _ => Err(Failure::usage(format!("`--webhook` needs a secret of {SHORTEST} characters or more in {SECRET}"))
            .help("`openssl rand -hex 32` makes one; the forge is given the same")),
    }
}

/// Follows a repository.
struct Follower<'a> {
    args: &'a ReconcileArgs,
    desk: &'a Desk<'a>,
    observer: &'a Observer,
    stop: &'a Stop,
    told: Told,
    /// The revision of the last run, when that was, and whether it left nothing to do.
    last: Option<(String, Instant, bool)>,
    /// When the revision at hand was first seen.
    first_seen: Instant,
    /// Some device is behind it, as far as anybody has looked.
    behind: bool,
}

impl Follower<'_> {
    /// Looks whether there is something to do, and does it.
    async fn look(&mut self) {
        let ended = match block_in_place(|| self.tip()) {
            Ok(tip) if self.is_due(&tip) => self.turn(tip).await,
            Ok(_) => return,
            Err(failure) => Err(failure),
        };
        if self.stop.is_requested() {
            return;
        }
        tokio::spawn(self.observer.ended(&ended, self.desk.printer));
        let settled = self.told.ended(&ended, self.observer, self.desk.printer);
        if let Some((_, _, is_settled)) = &mut self.last {
            *is_settled = settled;
        }
        if let Err(failure) = ended {
            self.desk.printer.failure(&failure);
        }
    }

    /// The revision that the remote has now, or the files on disk.
    fn tip(&self) -> Result<String, Failure> {
        let workspace = Workspace::open(self.desk.root)?;
        let repo = workspace.repo()?;
        if self.args.follow.worktree {
            return Ok(repo.record_worktree()?.id);
        }
        if repo.has_remote()?
            && let Err(error) = repo.fetch_branches()
        {
            // What is here goes on being reconciled.
            self.desk.printer.warn(format_args!("{error}"));
        }
        let followed = repo.followed(&self.args.repo.revision)?;
        Ok(repo.revision(Some(&followed))?.id)
    }

    fn is_due(&self, tip: &str) -> bool {
        let Some((last, when, settled)) = &self.last else { return true };
        last != tip || !settled || when.elapsed() >= self.args.follow.resync
    }

    async fn turn(&mut self, tip: String) -> Result<Exit, Failure> {
        let is_new = self.last.as_ref().is_none_or(|(last, ..)| *last != tip);
        if is_new {
            (self.first_seen, self.behind) = (Instant::now(), true);
        }
        let mut args = self.args.clone();
        args.repo.revision.clone_from(&tip);
        self.last = Some((tip, Instant::now(), false));
        let ended = Box::pin(reconcile::once(&args, self.desk, self.observer, self.stop)).await;
        if self.args.follow.metrics.is_some() && !self.stop.is_requested() {
            self.count(&args).await;
        }
        ended
    }

    /// Metrics are worth a warning, and no failure.
    async fn count(&mut self, args: &ReconcileArgs) {
        match verdicts::count(args, self.desk).await {
            Ok(Some(devices)) => {
                self.observer.metrics.verdicts(&devices);
                if self.behind && verdicts::are_compliant(&devices) {
                    self.behind = false;
                    self.observer.metrics.compliant_after(self.first_seen.elapsed());
                }
            }
            Ok(None) => {}
            Err(failure) => self.desk.printer.warn(format_args!("how devices stand is not known: {}", failure.error)),
        }
    }
}
