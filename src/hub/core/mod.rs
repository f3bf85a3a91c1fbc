//! The core: the only writer of identities and twins. It checks, stores durably, and only then tells.
//!
//! * `identities`, `modules`, `bulk`, `keys`, `twins`, `digital`, `methods` and `queries` are what the service asks for;
//!   `devices` is what devices ask for. `identity_rules`, `module_rules` and `scopes` say what an identity may be, `family` what a
//!   change of a device means for its modules.
//! * `configurations` are written by the service, and write twins themselves.
//! * `jobs` does the same to many devices, now or later.
//! * `provisioning` is what devices ask for that are yet to be assigned to a hub, and what their operators declare.
//! * `locks` gives each device one writer at a time within this process, so that what devices hear is in order; the
//!   store's revisions guard against other processes.
//! * `messages` wait for devices until they are acknowledged.
//! * `certificates` are those of authorities that vouch for devices; `trusted` is what the hub makes of them.
//! * `watched` tells of identities that are made and deleted, whoever writes them.
//! * `presence` knows who is connected and when somebody was last heard of.

mod activity;
mod admission;
mod bulk;
mod certificates;
mod configurations;
mod devices;
mod digital;
mod family;
mod identities;
mod identity_rules;
mod jobs;
mod keys;
mod locks;
mod messages;
mod methods;
mod module_rules;
mod modules;
mod presence;
mod provisioning;
mod queries;
mod scopes;
#[cfg(test)]
mod tests;
mod trusted;
mod twins;
mod watched;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
pub(crate) use configurations::{Engine as ConfigurationEngine, Trial as ConfigurationTrial};
pub(crate) use digital::Command;
pub(crate) use jobs::{Job, JobFilter, MOST_ACTIVE};
pub(crate) use messages::{Ack, Message, Received, Settlement};
pub(crate) use methods::MethodCall;
use tokio::time::timeout;
pub(crate) use twins::TwinPart;

use self::{
    configurations::{Before, Changed},
    locks::Locks,
    presence::PresenceTable,
    provisioning::Provisioner,
    trusted::Trusted,
    watched::Watched,
};
pub(crate) use provisioning::{BulkEnrollment, BulkOutcome as BulkEnrollmentResult, Listing};

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

/// How long the store may take to show that it is there.
const PROMPTLY: Duration = Duration::from_secs(2);
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
    configurations: Changed,
    jobs: jobs::Board,
    /// One at a time writes feedback.
    feedback: tokio::sync::Mutex<()>,
    /// Whether the hub is about to close.
    closing: AtomicBool,
    trusted: Trusted,
    provisioner: Provisioner,
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

/// What a device is told of its record, for whichever process has the link: to be written together with the record.
fn tell(record: &Record, patch: Bytes) -> Change {
    Change::Tell { link: record.link.clone(), version: record.desired.version, patch }
}

impl<S: Store, L: Links> Core<S, L> {
    /// Serves what `store` holds to those whom `authority` lets in.
    pub(crate) fn new(store: S, links: Arc<L>, authority: Authority) -> Self {
        let (presence, locks, configurations, jobs) = Default::default();
        let (trusted, provisioner, feedback, closing) = Default::default();
        Self {
            store: Watched::new(store),
            links,
            authority,
            presence,
            locks,
            configurations,
            jobs,
            feedback,
            closing,
            trusted,
            provisioner,
            outlet: Outlet::default(),
            meter: Meter::new(),
        }
    }

    /// With a provisioning service of this id scope, which assigns devices to a hub of this name.
    pub(crate) fn with_provisioning(self, id_scope: String, hub: String) -> Self {
        Self { provisioner: Provisioner::new(id_scope, hub), ..self }
    }

    /// The same, counted by `meter`, and with what happens told through `outlet`.
    pub(crate) fn observed(self, meter: Arc<Meter>, outlet: Outlet) -> Self {
        Self { store: self.store.through(outlet.clone()), outlet, meter, ..self }
    }

    /// What counts.
    pub(crate) const fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// What it stood on, once nobody uses it any longer.
    pub(crate) fn into_store(self) -> S {
        self.store.into_inner()
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

    /// From here on no new requests are welcome.
    pub(crate) fn close_doors(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Whether new requests are welcome, and can be answered.
    pub(crate) async fn is_ready(&self) -> bool {
        let answers = timeout(PROMPTLY, self.store.setting(""));
        !self.closing.load(Ordering::Relaxed) && answers.await.is_ok_and(|read| read.is_ok())
    }

    async fn record(&self, link: &LinkId) -> Result<Record, Failure> {
        self.store.get(link).await?.ok_or_else(|| Failure::no_twin(link))
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
        let (record, (told, before)) = self.change_telling(link, watched, |(told, _)| told.clone()).await?;
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
        self.change_telling(link, change, |_| None).await
    }

    /// Like [`Self::change`]; what is to be told is stored with the change for whichever process has the link.
    async fn change_telling<T: Send>(
        &self,
        link: &LinkId,
        change: impl Fn(&mut Record) -> Result<Decision<T>, Failure> + Send + Sync,
        told: impl Fn(&T) -> Option<Bytes> + Send + Sync,
    ) -> Result<(Arc<Record>, T), Failure> {
        for _ in 0..ATTEMPTS {
            let mut record = self.record(link).await?;
            let before = Before::of(&record);
            let value = match change(&mut record)? {
                Decision::Leave(value) => return Ok((Arc::new(record), value)),
                Decision::Write(value) => value,
            };
            let record = Arc::new(record);
            let mut batch = vec![Change::Update(Arc::clone(&record))];
            batch.extend(told(&value).map(|patch| tell(&record, patch)));
            if self.store.write(batch).await? == Outcome::Written {
                self.changed(Some(before), &record);
                return Ok((record, value));
            }
        }
        Err(busy())
    }
}

/// Every attempt met somebody else's write.
fn busy() -> Failure {
    Failure::new(ErrorCode::ServerBusy, "too many others write this twin; try again")
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn unwritable(error: serde_json::Error) -> Failure {
    Failure::new(ErrorCode::ServerError, format!("the identity cannot be stored: {error}"))
}
