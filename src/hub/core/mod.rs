//! The core: the only writer of identities and twins. It checks, stores durably, and only then tells.
//!
//! * `identities`, `twins`, `methods` and `queries` are what the service asks for; `devices` is what devices ask for.
//! * `locks` gives each device one writer at a time within this process, so that what devices hear is in order; the
//!   store's revisions guard against other processes.
//! * `watched` tells of identities that are made and deleted, whoever writes them.
//! * `presence` knows who is connected and when somebody was last heard of.

mod admission;
mod devices;
mod identities;
mod identity_rules;
mod locks;
mod methods;
mod presence;
mod queries;
#[cfg(test)]
mod tests;
mod twins;
mod watched;

use std::sync::Arc;

use bytes::Bytes;
pub(crate) use methods::MethodCall;

use self::{locks::Locks, presence::PresenceTable, watched::Watched};
use super::{
    auth::Authority,
    events::{Outlet, TwinOperation},
    failure::Failure,
    meter::{Meter, Written},
    ports::{LinkId, Links},
    record::Record,
    store::{Change, Counts, Outcome, Store},
};
use crate::{iothub::ErrorCode, twin::DeviceId};

/// How often a write is tried again because another process was faster.
const ATTEMPTS: usize = 16;

/// See the module.
#[derive(Debug)]
pub(crate) struct Core<S, L> {
    store: Watched<S>,
    links: Arc<L>,
    authority: Authority,
    presence: PresenceTable,
    locks: Locks,
    outlet: Outlet,
    meter: Arc<Meter>,
}

/// What a change of a record comes to.
enum Decision<T> {
    /// It is to be written.
    Write(T),
    /// There is nothing to write.
    Leave(T),
}

/// The name of a device's own link.
fn device_link(id: &DeviceId) -> LinkId {
    LinkId { device: id.clone(), module: None }
}

impl<S: Store, L: Links> Core<S, L> {
    /// Serves what `store` holds to those whom `authority` lets in.
    pub(crate) fn new(store: S, links: Arc<L>, authority: Authority) -> Self {
        Self {
            store: Watched::new(store),
            links,
            authority,
            presence: PresenceTable::default(),
            locks: Locks::default(),
            outlet: Outlet::default(),
            meter: Meter::new(),
        }
    }

    /// The same, counted by `meter`, and with what happens told through `outlet`.
    pub(crate) fn observed(self, meter: Arc<Meter>, outlet: Outlet) -> Self {
        Self { store: self.store.through(outlet.clone()), outlet, meter, ..self }
    }

    /// What counts.
    pub(crate) const fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Who may do what.
    pub(crate) const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// How many devices there are.
    pub(crate) async fn counts(&self) -> Result<Counts, Failure> {
        Ok(self.store.counts().await?)
    }

    /// How many devices and modules are connected.
    pub(crate) fn connected(&self) -> usize {
        self.links.connected()
    }

    /// Whether requests can be answered.
    pub(crate) async fn is_ready(&self) -> bool {
        self.store.setting("").await.is_ok()
    }

    async fn record(&self, id: &DeviceId) -> Result<Record, Failure> {
        self.store.get(&device_link(id)).await?.ok_or_else(|| Failure::no_device(id))
    }

    /// Changes a twin in its turn, durably, and then tells the device what `change` says that it must hear. Every
    /// write of desired properties or tags goes this way. The record as it is now.
    async fn change_twin(
        &self,
        link: &LinkId,
        change: impl Fn(&mut Record) -> Result<Decision<Option<Bytes>>, Failure> + Send + Sync,
    ) -> Result<Arc<Record>, Failure> {
        self.change_twin_as(TwinOperation::Update, link, change).await
    }

    /// The same, with the word for what kind of write it is.
    async fn change_twin_as(
        &self,
        operation: TwinOperation,
        link: &LinkId,
        change: impl Fn(&mut Record) -> Result<Decision<Option<Bytes>>, Failure> + Send + Sync,
    ) -> Result<Arc<Record>, Failure> {
        // Until the device was told, so that it hears of writes in their order.
        let _turn = self.locks.turn(link).await;
        let watched = |record: &mut Record| {
            let before = self.outlet.before(record);
            Ok(match change(record)? {
                Decision::Write(told) => Decision::Write((told, Some(before))),
                Decision::Leave(told) => Decision::Leave((told, None)),
            })
        };
        let (record, (told, before)) = self.change(link, watched).await?;
        if let Some(patch) = told {
            self.links.desired(link, record.desired.version, patch);
            self.meter.notified();
        }
        if let Some(before) = before {
            self.meter.twin_written(Written::Service);
            self.outlet.twin_written(operation, &before, &record);
        }
        Ok(record)
    }

    /// Reads, changes and writes a record, and again if somebody else wrote in between. The record as it is now.
    async fn change<T: Send>(
        &self,
        link: &LinkId,
        change: impl Fn(&mut Record) -> Result<Decision<T>, Failure> + Send + Sync,
    ) -> Result<(Arc<Record>, T), Failure> {
        for _ in 0..ATTEMPTS {
            let record = self.store.get(link).await?;
            let mut record = record.ok_or_else(|| Failure::no_device(&link.device))?;
            let value = match change(&mut record)? {
                Decision::Leave(value) => return Ok((Arc::new(record), value)),
                Decision::Write(value) => value,
            };
            let record = Arc::new(record);
            if self.store.write(vec![Change::Update(Arc::clone(&record))]).await? == Outcome::Written {
                return Ok((record, value));
            }
        }
        Err(Failure::new(ErrorCode::ServerBusy, "too many others write this twin; try again"))
    }
}
