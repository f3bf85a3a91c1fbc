//! The ports of the reconciler over the simulated network, and a run over them as the command makes it.

use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, pin_mut, stream};
use serde_json::value::RawValue;
use twinops::{
    fleet::IdentitySpec,
    plan::{Collector, Plan, Planner},
    reconcile::{
        Event, Limits, Outcome, apply,
        ports::{HubError, Page, Replan, Replanned, TwinRead, TwinText, TwinWrite},
    },
    task::Stop,
    twin::DeviceId,
};

use super::{
    hub::{Reply, Request},
    network::Network,
};

/// One reconciler's way to the hub, towards one revision.
pub(super) struct Line {
    network: Network,
    planner: Arc<Planner>,
}

impl TwinRead for Line {
    async fn twin(&self, device: &DeviceId) -> Result<Option<TwinText>, HubError> {
        match self.network.send(Request::Get(device.clone())).await? {
            Reply::Twin(text) => Ok(text.map(TwinText)),
            other => panic!("{other:?} is no twin"),
        }
    }

    fn twins(&self, _: &str) -> impl Stream<Item = Result<Page, HubError>> + Send {
        self.network.index();
        stream::unfold(Some(None), async |at: Option<Option<DeviceId>>| {
            match self.network.send(Request::Page(at?)).await {
                Ok(Reply::Page(text, next)) => Some((Ok(Page::Array(text)), next.map(Some))),
                Ok(other) => panic!("{other:?} is no page"),
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}

impl TwinWrite for Line {
    async fn patch(&self, device: &DeviceId, etag: &str, patch: &RawValue) -> Result<TwinText, HubError> {
        let body = serde_json::from_str(patch.get()).unwrap();
        let revision = self.planner.revision().to_owned();
        match self
            .network
            .send(Request::Patch { device: device.clone(), etag: etag.to_owned(), body, revision })
            .await?
        {
            Reply::Twin(Some(text)) => Ok(TwinText(text)),
            other => panic!("{other:?} is no twin"),
        }
    }

    async fn register(&self, device: &DeviceId, _: &IdentitySpec) -> Result<(), HubError> {
        self.network.send(Request::Register(device.clone())).await.map(drop)
    }
}

impl Replan for Line {
    fn replan(&self, twin: &TwinText) -> Result<Option<Replanned>, String> {
        let row = twin.row().map_err(|error| error.to_string())?;
        let look = self.planner.look(&row).map_err(|error| error.to_string())?;
        let raw = |text: &str| Arc::from(RawValue::from_string(text.to_owned()).unwrap());
        Ok(look.change.map(|change| Replanned {
            patch: raw(change.patch()),
            before: change.before().map(raw),
            etag: row.etag.as_ref().into(),
            deltas: usize::from(change.has_changes()),
        }))
    }
}

impl Line {
    pub(super) fn new(network: &Network, planner: Arc<Planner>) -> Self {
        Self { network: network.clone(), planner }
    }

    /// What is to be done; nothing when that cannot be found out.
    pub(super) async fn plan(&self) -> Option<Plan> {
        let mut all = Collector::new(self.planner.clone());
        let pages = self.twins("SELECT * FROM devices");
        pin_mut!(pages);
        while let Some(page) = pages.next().await {
            let mut sound = true;
            page.ok()?.for_each(|row| sound &= row.is_ok_and(|row| all.take(&row).is_ok())).ok()?;
            sound.then_some(())?;
        }
        all.take_unregistered(&|_| true).ok()?;
        Some(all.finish().unwrap())
    }

    /// One whole run; nothing when it came to no plan.
    pub(super) async fn run(&self) -> Option<Outcome> {
        let plan = self.plan().await?;
        let limits = Limits { concurrency: 4, ..Limits::default() };
        Some(apply(plan, self, self, limits, &|_: Event| (), &Stop::new()).await)
    }
}
