//! The shared store: PostgreSQL 15 or newer, for any number of hub processes.
//!
//! * `address` says where the database is, `tls` and `connect` how it is reached, `pooler` whether what was reached
//!   will do, `schema` what is in it.
//! * `fetch` reads by name and `reader` everything else, `row` knows what a record looks like there, `sift` says
//!   conditions in SQL, and `tally` counts by groups.
//! * `writer` makes one transaction of all that has arrived.
//! * `mail` is what hub processes tell each other, `bell` how they wake each other.
//! * `fault` is what goes wrong, without the data that it went wrong with.
//!
//! Everything that was acknowledged is committed; nothing is kept in memory alone. While the database does not
//! answer, requests fail, and everything goes on when it does.

mod address;
mod bell;
mod connect;
mod fault;
mod fetch;
mod mail;
mod pooler;
mod reader;
mod row;
mod schema;
mod sift;
mod tally;
#[cfg(test)]
mod tests;
mod tls;
mod writer;

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use deadpool_postgres::Pool;
use tokio::sync::Notify;
use tracing::warn;

pub(crate) use self::{
    address::{Address, AddressError},
    mail::{Handful, Letter, Standing},
};
use self::{connect::Load, fault::failed, fetch::Fetcher, tls::Tls, writer::Writer};
use super::{Change, Counts, Document, Kind, Outcome, Scanned, Span, Store, StoreError, Tally};
use crate::{
    hub::{meter::Meter, ports::LinkId, record::Record},
    query::{FieldPath, Sieve},
    task::Stop,
};

/// Connections that read otherwise than by name, that go through many records, and that hubs talk over.
const READERS: usize = 4;
const SCANNERS: usize = 4;
const POSTMEN: usize = 4;
/// How many locks share the tickets.
const SHARDS: usize = 64;

/// See the module.
#[derive(Debug)]
pub(crate) struct PostgresStore {
    address: Address,
    tls: TlsSlot,
    node: i64,
    fetcher: Fetcher,
    readers: Pool,
    scanners: Pool,
    post: Pool,
    writer: Writer,
    tickets: Tickets,
    delivered: mail::Delivered,
    bell: Arc<Notify>,
}

/// Has no `Debug`, and needs none.
struct TlsSlot(Tls);

impl std::fmt::Debug for TlsSlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

/// The claims of links that this process has.
#[derive(Debug)]
struct Tickets {
    next: AtomicU64,
    shards: Box<[Mutex<HashMap<LinkId, u64>>]>,
    hasher: RandomState,
}

impl Tickets {
    fn new() -> Self {
        Self {
            next: AtomicU64::new(1),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    fn shard(&self, link: &LinkId) -> MutexGuard<'_, HashMap<LinkId, u64>> {
        #[expect(clippy::cast_possible_truncation, reason = "any part of the hash will do")]
        let at = self.hasher.hash_one(link) as usize % SHARDS;
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PostgresStore {
    /// Opens the store, or makes its tables.
    #[cfg(test)]
    pub(crate) async fn open(address: Address) -> Result<Self, StoreError> {
        Self::open_counted(address, Meter::new()).await
    }

    /// Opens the store, or makes its tables; `meter` counts its commits.
    pub(crate) async fn open_counted(address: Address, meter: Arc<Meter>) -> Result<Self, StoreError> {
        let fail = failed("opening the store");
        let tls = Tls::new(&address.trust).map_err(&fail)?;
        let (mut client, connection) = connect::alone(&address, &tls).await.map_err(&fail)?;
        let (other, second) = connect::alone(&address, &tls).await.map_err(&fail)?;
        let drivers = [tokio::spawn(connection), tokio::spawn(second)];
        let checked = pooler::check(&client, &other).await;
        let opened = if checked.is_ok() { schema::migrate(&mut client).await } else { checked };
        drop((client, other));
        for driver in drivers {
            // Its end was asked for; how it went does not matter.
            let _ended = driver.await;
        }
        opened?;
        let pool = |size, load| connect::pool(&address, &tls, size, load).map_err(&fail);
        let (readers, scanners) = (pool(READERS, Load::Short)?, pool(SCANNERS, Load::Long)?);
        let (post, writers) = (pool(POSTMEN, Load::Short)?, pool(1, Load::Short)?);
        let fetcher = Fetcher::start(pool(1, Load::Short)?);
        // Never 0 and never the same again: a process that was restarted is another node.
        let node = fastrand::i64(1..);
        let bell = Arc::default();
        let writer = Writer::start(writers, node, &bell, &meter);
        Ok(Self {
            tls: TlsSlot(tls),
            node,
            fetcher,
            readers,
            scanners,
            post,
            writer,
            tickets: Tickets::new(),
            delivered: mail::Delivered::default(),
            bell,
            address,
        })
    }

    /// Reads settings of a store that hubs may be using, and changes nothing.
    pub(crate) async fn settings_of(
        address: &Address,
        names: &[&str],
    ) -> Result<Option<Vec<Option<String>>>, StoreError> {
        let fail = failed("reading settings");
        let tls = Tls::new(&address.trust).map_err(&fail)?;
        let (client, connection) = connect::alone(address, &tls).await.map_err(&fail)?;
        tokio::spawn(connection);
        let found = schema::read_format(&client).await.map_err(&fail)?;
        schema::check(found)?;
        if found == 0 {
            return Ok(None);
        }
        let mut settings = Vec::new();
        for name in names {
            let row = client.query_opt("SELECT value FROM setting WHERE name = $1", &[name]).await;
            let row = row.map_err(fault::Fault::from).map_err(&fail)?;
            settings.push(row.map(|row| row.try_get(0)).transpose().map_err(fault::Fault::from).map_err(&fail)?);
        }
        Ok(Some(settings))
    }

    /// Makes a setting unless there is one; what there is then, the same for all hubs.
    pub(crate) async fn settle(&self, name: &str, value: &str) -> Result<String, StoreError> {
        reader::settle(&self.readers, name, value).await.map_err(failed("writing a setting"))
    }

    /// Rings when there is mail, unless the ring is lost.
    pub(crate) fn bell(&self) -> &Notify {
        &self.bell
    }

    /// Keeps the bell's connection until `stop`.
    pub(crate) async fn listen(&self, stop: &Stop) {
        bell::listen(&self.address, &self.tls.0, self.node, &self.bell, stop).await;
    }

    /// Takes what has come for this process, in order.
    pub(crate) async fn take_mail(&self) -> Result<Handful<'_>, StoreError> {
        mail::take(&self.post, self.node, &self.delivered).await.map_err(failed("reading mail"))
    }

    /// What was taken was handed out.
    pub(crate) async fn mail_done(&self, handful: Handful<'_>) -> Result<(), StoreError> {
        handful.done().await.map_err(failed("taking mail away"))
    }

    /// Sends a method call to whoever has the link; false when no other hub has it.
    pub(crate) async fn post_call(
        &self,
        link: &LinkId,
        call: u64,
        request: &[u8],
        patience: Duration,
    ) -> Result<bool, StoreError> {
        let sent = mail::call(&self.post, self.node, link, call, request, patience).await;
        Ok(sent.map_err(failed("sending a method call"))?.is_some())
    }

    /// Sends the answer of a method to the hub that called.
    pub(crate) async fn post_answer(&self, to: i64, call: u64, answer: &[u8]) -> Result<(), StoreError> {
        mail::answer(&self.post, to, call, answer).await.map_err(failed("sending a method's answer"))
    }

    /// Says that this process is alive and has so many links.
    pub(crate) async fn heartbeat(&self, name: &str, links: u64) -> Result<Standing, StoreError> {
        let standing = mail::heartbeat(&self.post, self.node, name, links).await;
        standing.map_err(failed("saying that this hub is alive"))
    }

    /// Forgets dead hubs and their mail.
    pub(crate) async fn sweep(&self) -> Result<(), StoreError> {
        mail::sweep(&self.post).await.map_err(failed("forgetting dead hubs"))
    }

    /// The ticket under which this process has a link.
    pub(crate) fn ticket(&self, link: &LinkId) -> Option<u64> {
        self.tickets.shard(link).get(link).copied()
    }

    /// Writes what is left, and leaves the list of nodes.
    pub(crate) async fn close(self) {
        self.writer.close().await;
        if let Err(fault) = mail::leave(&self.post, self.node).await {
            warn!(%fault, "this hub could not take its leave; the others find out by themselves");
        }
    }
}

impl Store for PostgresStore {
    async fn get(&self, link: &LinkId) -> Result<Option<Record>, StoreError> {
        self.fetcher.record(link).await
    }

    async fn write(&self, batch: Vec<Change>) -> Result<Outcome, StoreError> {
        self.writer.write(batch).await
    }

    fn note(&self, change: Change) {
        if let Change::Seen { link, live: false, .. } = &change {
            self.tickets.shard(link).remove(link);
        }
        self.writer.note(change);
    }

    async fn claim(&self, link: &LinkId, identity: &str, at: &str) -> Result<Outcome, StoreError> {
        let ticket = self.tickets.next.fetch_add(1, Ordering::Relaxed);
        let claim = Change::Claim { link: link.clone(), ticket, identity: identity.into(), at: at.into() };
        let outcome = self.writer.write(vec![claim]).await?;
        if outcome == Outcome::Written {
            // Not before: until then a cut is for the link that had the place before, or for both.
            self.tickets.shard(link).insert(link.clone(), ticket);
        }
        Ok(outcome)
    }

    async fn scan(
        &self,
        span: Span<'_>,
        after: Option<&LinkId>,
        sieve: &Sieve,
        limit: usize,
    ) -> Result<Scanned, StoreError> {
        let found = reader::scan(&self.scanners, span, after, sieve, limit).await;
        found.map_err(failed("reading many twins"))
    }

    async fn tally(&self, sieve: &Sieve, by: &[FieldPath], most: usize) -> Result<Option<Vec<Tally>>, StoreError> {
        tally::tally(&self.scanners, sieve, by, most).await.map_err(failed("counting devices by groups"))
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        reader::counts(&self.scanners).await.map_err(failed("counting devices"))
    }

    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        reader::setting(&self.readers, name).await.map_err(failed("reading a setting"))
    }

    async fn document(&self, kind: Kind, id: &str) -> Result<Option<Document>, StoreError> {
        self.fetcher.document(kind, id).await
    }

    async fn documents(
        &self,
        kind: Kind,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        let found = reader::documents(&self.readers, kind, prefix, after, limit).await;
        found.map_err(failed("reading documents"))
    }

    async fn lease(&self, name: &str, time: Duration) -> Result<bool, StoreError> {
        mail::lease(&self.post, self.node, name, time).await.map_err(failed("taking a lease"))
    }
}
