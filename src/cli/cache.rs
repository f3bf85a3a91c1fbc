//! Twins kept from one run to the next, below `.git/twinops`: what may be used when, and where it lies.

use std::{
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    sync::Arc,
};

use futures_util::{Stream, stream};
use tracing::debug;

use super::{
    access::{self, Twins},
    args::SelectArgs,
    cmd::plan::Looking,
    prepare::{Desk, Prepared},
};
use crate::{
    client::{HubClient, Seal},
    fleet::Finding,
    plan::{Plan, quota::Throttles},
    reconcile::{
        cache::{TwinCache, keeping},
        paced,
        ports::{HubError, Page, TwinRead, TwinText},
        survey::{self, Rollouts, SurveyError},
    },
    repo::Repo,
    twin::DeviceId,
};

/// What a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be shown.
    Show,
    /// To be carried out later, as it is: every twin is read.
    Save,
    /// To be carried out: no write rests on what was kept.
    Write,
}

/// Where the twins of one hub are kept.
struct Shelf<'t> {
    hub: &'t HubClient,
    repo: Repo,
    seal: Seal,
}

impl<'t> Shelf<'t> {
    /// Nothing, where twins are not kept: for a file of twins, for some devices of many, outside of a repository, with
    /// a credential that holds no key, and for a fleet that looks at what devices report: rollouts do.
    fn of(desk: &Desk<'_>, prepared: &Prepared, twins: &'t Twins, select: &SelectArgs) -> Option<Self> {
        let Twins::Hub(hub) = twins else { return None };
        if !access::is_all(select) || !TwinCache::suffices(prepared.planner.resolver()) {
            return None;
        }
        Some(Self { hub, repo: Repo::discover(desk.root).ok()?, seal: hub.seal()? })
    }

    fn name(&self) -> String {
        format!("{:016x}", BuildHasherDefault::<DefaultHasher>::default().hash_one(self.seal.hub()))
    }

    fn take(&self) -> TwinCache {
        let opened = self.seal.open(self.repo.kept_twins(&self.name()));
        opened.map(|bytes| TwinCache::read(&bytes)).unwrap_or_default()
    }

    /// A repository that cannot be written costs that one time, and no more.
    fn put(&self, cache: &TwinCache) {
        if !cache.is_changed() {
            return;
        }
        let kept = self.seal.close(cache.write()).map(|bytes| self.repo.keep_twins(&self.name(), &bytes));
        if !matches!(kept, Some(Ok(()))) {
            debug!(?kept, "twins are not kept");
        }
    }
}

/// A hub that is asked no faster than its throttles allow.
struct Paced<'t> {
    hub: &'t HubClient,
    throttles: Option<Throttles>,
}

impl TwinRead for Paced<'_> {
    async fn twin(&self, device: &DeviceId) -> Result<Option<TwinText>, HubError> {
        self.hub.twin(device).await
    }

    fn twins(&self, statement: &str) -> impl Stream<Item = Result<Page, HubError>> + Send {
        paced(self.hub.twins(statement), self.throttles)
    }
}

/// What was planned, or what is wrong with the fleet.
type Planned = Result<Plan, Vec<Finding>>;

/// Plans all that `pages` shows, from what was kept where that is still so.
///
/// # Errors
/// When the hub or a twin cannot be read.
pub(crate) async fn plan(
    desk: &Desk<'_>,
    prepared: &Prepared,
    looking: Looking<'_>,
    pages: impl Stream<Item = Result<Page, HubError>> + Send,
    rollouts: Rollouts,
) -> Result<Planned, SurveyError> {
    let Looking { twins, select, purpose, throttles, .. } = looking;
    // Of a device that was named, as of all when nothing narrows them down, the hub has told all there is.
    let complete = |device: &DeviceId| access::is_all(select) || select.devices.contains(device);
    let planner = || Arc::clone(&prepared.planner);
    let Some(shelf) = Shelf::of(desk, prepared, twins, select) else {
        return survey::plan(pages, planner(), &complete, rollouts).await;
    };
    let mut cache = if purpose == Purpose::Save { TwinCache::default() } else { shelf.take() };
    if !cache.is_empty() && cache.refresh(&Paced { hub: shelf.hub, throttles }).await? {
        let mut found =
            survey::plan(stream::iter(cache.pages().map(Ok)), planner(), &complete, Rollouts::Ignored).await?;
        shelf.put(&cache);
        if let Some(plan) = found.as_mut().ok().filter(|_| purpose == Purpose::Write) {
            // Without an etag to rest on, each is read and planned afresh first.
            plan.groups.iter_mut().flat_map(|group| &mut group.devices).for_each(|device| device.etag = None);
        }
        return Ok(found);
    }
    drop(cache);
    let (pages, keeping) = keeping(pages);
    let found = survey::plan(pages, planner(), &complete, rollouts).await?;
    shelf.put(&keeping.finish().await);
    Ok(found)
}
