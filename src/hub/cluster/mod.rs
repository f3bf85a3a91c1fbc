//! Several hub processes over one shared store: what happens at one of them reaches the devices that are linked to
//! another.
//!
//! * [`Cluster`] is the [`Links`] of such a process: its own links first, otherwise a letter to the process that has
//!   the link. `AnyLinks` is either that or the links of a hub that is alone.
//! * `post` takes the letters that have come; `call` carries method calls there and back; `pulse` says that this
//!   process is alive.
//!
//! Letters are rows of the store, so that they are written in the transaction of what they tell of. The database's
//! `NOTIFY` is only a doorbell: a ring that is lost delays a letter by a second.

mod any;
mod call;
mod post;
mod pulse;

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use bytes::Bytes;

pub(super) use self::any::AnyLinks;
use self::call::Calls;
use super::{
    mqtt::LinkTable,
    ports::{LinkId, Links, MethodAnswer, MethodFault},
    store::{Change, PostgresStore, Store as _},
};
use crate::task::{Group, Stop};

/// The links of this process and of all others.
#[derive(Debug)]
pub(crate) struct Cluster {
    local: Arc<LinkTable>,
    store: Arc<PostgresStore>,
    calls: Calls,
    /// Links of the other processes, as of the last heartbeat.
    others: AtomicU64,
    name: String,
}

impl Cluster {
    /// Enters the list of processes, as `name` for people.
    pub(crate) async fn join(
        local: Arc<LinkTable>,
        store: Arc<PostgresStore>,
        name: String,
    ) -> Result<Arc<Self>, super::store::StoreError> {
        let cluster = Self { local, store, calls: Calls::default(), others: AtomicU64::new(0), name };
        cluster.beat().await?;
        Ok(Arc::new(cluster))
    }

    /// Takes letters and says that this process is alive, until `stop`.
    pub(crate) async fn run(self: Arc<Self>, stop: Stop) {
        let mut group = Group::new(stop.clone());
        let (pulse, bell) = (Arc::clone(&self), Arc::clone(&self.store));
        let inner = stop.clone();
        group.spawn("pulse", async move { pulse.pulse(&inner).await });
        let inner = stop.clone();
        group.spawn("bell", async move { bell.listen(&inner).await });
        group.spawn("post", async move { self.post(&stop).await });
        group.join().await;
    }
}

impl Links for Cluster {
    fn desired(&self, _: &LinkId, _: u64, _: Bytes) {
        // Whichever process has the link, even this one, has a letter that was written with the twin: so the device
        // hears of what several processes write in the order in which they wrote.
    }

    async fn call(
        &self,
        link: &LinkId,
        method: &str,
        payload: Bytes,
        connect: Duration,
        response: Duration,
    ) -> Result<MethodAnswer, MethodFault> {
        self.call_anywhere(link, method, payload, connect, response).await
    }

    fn mail(&self, link: &LinkId) {
        // Another process has a letter that was written with the message.
        self.local.mail(link);
    }

    fn cut(&self, link: &LinkId) {
        self.local.cut(link);
        self.store.note(Change::Cut { link: link.clone() });
    }

    fn connected(&self) -> usize {
        let others = self.others.load(std::sync::atomic::Ordering::Relaxed);
        self.local.connected().saturating_add(usize::try_from(others).unwrap_or(usize::MAX))
    }
}
