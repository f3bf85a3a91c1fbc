//! All links by name: the way from the core to a device.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::Notify,
    time::{Instant, timeout, timeout_at},
};

use super::{
    super::ports::{LinkId, Links, MethodAnswer, MethodFault},
    mailbox::{Cut, Mailbox},
};

/// How many locks share the links.
const SHARDS: usize = 64;
/// Longest method name that fits into a topic with room to spare, in bytes.
const METHOD: usize = 1024;

/// Who is connected. One link per identity: whoever comes later takes the place.
#[derive(Debug)]
pub(crate) struct LinkTable {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    connected: AtomicUsize,
    next_call: AtomicU32,
}

#[derive(Debug, Default)]
struct Shard {
    seats: HashMap<LinkId, Seat>,
    /// Rung when a device begins to take method calls, for callers that wait for it.
    bells: HashMap<LinkId, Arc<Notify>>,
}

/// The place of one identity. The core is told that it is gone only when nobody sits here and nobody arrives,
/// so that it cannot mistake the end of an old link for the end of a new one.
#[derive(Debug, Default)]
struct Seat {
    mailbox: Option<Arc<Mailbox>>,
    arriving: u32,
    /// How often the identity was cut. Who arrived before the last time was perhaps let in on what is no longer true.
    cuts: u32,
    /// Somebody left, and the core does not know it yet.
    gone: bool,
    /// The core is being told right now; whoever arrives waits for that.
    telling: bool,
}

/// When somebody arrived: how often the identity had been cut by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival(u32);

impl Default for LinkTable {
    fn default() -> Self {
        Self::new()
    }
}

impl LinkTable {
    /// Nobody is connected.
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            connected: AtomicUsize::new(0),
            next_call: AtomicU32::new(fastrand::u32(..)),
        }
    }

    fn shard(&self, link: &LinkId) -> MutexGuard<'_, Shard> {
        let at = usize::try_from(self.hasher.hash_one(link) % SHARDS as u64).unwrap_or_default();
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mailbox(&self, link: &LinkId) -> Option<Arc<Mailbox>> {
        self.shard(link).seats.get(link)?.mailbox.clone()
    }

    /// Somebody is about to connect as `link`; ends with [`Self::sit`] or [`Self::withdraw`].
    pub(super) async fn arrive(&self, link: &LinkId) -> Arrival {
        loop {
            if let Some(arrival) = self.try_arrive(link) {
                return arrival;
            }
            tokio::task::yield_now().await;
        }
    }

    fn try_arrive(&self, link: &LinkId) -> Option<Arrival> {
        let mut shard = self.shard(link);
        let seat = shard.seats.entry(link.clone()).or_default();
        seat.arriving += u32::from(!seat.telling);
        (!seat.telling).then_some(Arrival(seat.cuts))
    }

    /// Whoever arrived takes the place; who had it before is cut off.
    pub(super) fn sit(&self, link: &LinkId, arrival: Arrival, mailbox: Arc<Mailbox>) {
        let mut shard = self.shard(link);
        let seat = shard.seats.entry(link.clone()).or_default();
        seat.arriving = seat.arriving.saturating_sub(1);
        seat.gone = false;
        if Arrival(seat.cuts) != arrival {
            mailbox.cut(Cut::Told);
        }
        match seat.mailbox.replace(mailbox) {
            Some(old) => old.cut(Cut::TakenOver),
            None => _ = self.connected.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Whoever arrived did not stay. `known` if the core may believe otherwise. Says whether the core must be told
    /// that nobody is here; then [`Self::told`] must follow.
    pub(super) fn withdraw(&self, link: &LinkId, known: bool) -> bool {
        self.vacate(link, |seat| {
            seat.arriving = seat.arriving.saturating_sub(1);
            seat.gone |= known;
        })
    }

    /// The link ends. Says whether the core must be told that nobody is here; then [`Self::told`] must follow.
    pub(super) fn leave(&self, link: &LinkId, mailbox: &Arc<Mailbox>) -> bool {
        mailbox.close();
        self.vacate(link, |seat| {
            if seat.mailbox.as_ref().is_some_and(|sitting| Arc::ptr_eq(sitting, mailbox)) {
                seat.mailbox = None;
                seat.gone = true;
                self.connected.fetch_sub(1, Ordering::Relaxed);
            }
        })
    }

    fn vacate(&self, link: &LinkId, change: impl FnOnce(&mut Seat)) -> bool {
        let mut shard = self.shard(link);
        let Entry::Occupied(mut entry) = shard.seats.entry(link.clone()) else { return false };
        let seat = entry.get_mut();
        change(seat);
        let free = seat.mailbox.is_none() && seat.arriving == 0 && !seat.telling;
        seat.telling |= free && seat.gone;
        if free && !seat.gone {
            entry.remove();
        }
        free && shard.seats.get(link).is_some_and(|seat| seat.gone)
    }

    /// Cuts all links.
    pub(crate) fn cut_all(&self) {
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.seats.values().filter_map(|seat| seat.mailbox.as_ref()).for_each(|mailbox| mailbox.cut(Cut::Told));
        }
    }

    /// The core knows that nobody is here.
    pub(super) fn told(&self, link: &LinkId) {
        self.shard(link).seats.remove(link);
    }

    /// The device takes method calls now.
    pub(super) fn ring(&self, link: &LinkId) {
        if let Some(bell) = self.shard(link).bells.get(link) {
            bell.notify_waiters();
        }
    }

    fn callable(&self, link: &LinkId) -> Option<Arc<Mailbox>> {
        self.mailbox(link).filter(|mailbox| mailbox.takes_calls())
    }

    /// The mailbox of a device that takes method calls, as soon as there is one.
    async fn wait_callable(&self, link: &LinkId, patience: Duration) -> Option<Arc<Mailbox>> {
        if let Some(mailbox) = self.callable(link) {
            return Some(mailbox);
        }
        let deadline = Instant::now() + patience;
        let bell = Bell::new(self, link);
        loop {
            let rung = bell.notify.notified();
            if let Some(mailbox) = self.callable(link) {
                return Some(mailbox);
            }
            timeout_at(deadline, rung).await.ok()?;
        }
    }
}

/// A caller's share of a bell; the last one takes it down.
struct Bell<'a> {
    table: &'a LinkTable,
    link: &'a LinkId,
    notify: Arc<Notify>,
}

impl<'a> Bell<'a> {
    fn new(table: &'a LinkTable, link: &'a LinkId) -> Self {
        let notify = table.shard(link).bells.entry(link.clone()).or_default().clone();
        Self { table, link, notify }
    }
}

impl Drop for Bell<'_> {
    fn drop(&mut self) {
        let mut shard = self.table.shard(self.link);
        // The table's share and this one.
        if Arc::strong_count(&self.notify) == 2 {
            shard.bells.remove(self.link);
        }
    }
}

/// A call that waits for its answer; nobody waits any longer when it is dropped.
struct Waiting<'a>(&'a Mailbox, u32);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.withdraw(self.1);
    }
}

impl Links for LinkTable {
    fn desired(&self, link: &LinkId, version: u64, patch: Bytes) {
        if let Some(mailbox) = self.mailbox(link) {
            mailbox.desired(version, patch);
        }
    }

    async fn call(
        &self,
        link: &LinkId,
        method: &str,
        payload: Bytes,
        connect: Duration,
        response: Duration,
    ) -> Result<MethodAnswer, MethodFault> {
        if method.len() > METHOD {
            return Err(MethodFault::NoAnswer);
        }
        let mailbox = self.wait_callable(link, connect).await.ok_or(MethodFault::NotOnline)?;
        let rid = self.next_call.fetch_add(1, Ordering::Relaxed);
        let answer = mailbox.call(rid, method, payload).ok_or(MethodFault::NotOnline)?;
        let _waiting = Waiting(&mailbox, rid);
        match timeout(response, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(MethodFault::NoAnswer),
        }
    }

    fn cut(&self, link: &LinkId) {
        if let Some(seat) = self.shard(link).seats.get_mut(link) {
            seat.cuts = seat.cuts.wrapping_add(1);
            if let Some(mailbox) = &seat.mailbox {
                mailbox.cut(Cut::Told);
            }
        }
    }

    fn mail(&self, link: &LinkId) {
        if let Some(mailbox) = self.mailbox(link) {
            mailbox.mail();
        }
    }

    fn connected(&self) -> usize {
        self.connected.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::{hub::ports::Subscriptions, twin::DeviceId};

    fn d1() -> LinkId {
        LinkId { device: DeviceId::new("d1").unwrap(), module: None }
    }

    fn mailbox() -> Arc<Mailbox> {
        Arc::new(Mailbox::new(Subscriptions::default()))
    }

    async fn sit(table: &LinkTable, mailbox: &Arc<Mailbox>) {
        let arrival = table.arrive(&d1()).await;
        table.sit(&d1(), arrival, Arc::clone(mailbox));
    }

    fn is_empty(table: &LinkTable) -> bool {
        table.shards.iter().all(|shard| {
            let shard = shard.lock().unwrap();
            shard.seats.is_empty() && shard.bells.is_empty()
        })
    }

    #[tokio::test]
    async fn the_core_hears_of_the_last_one_who_leaves() {
        let (table, first, second) = (LinkTable::new(), mailbox(), mailbox());
        for mailbox in [&first, &second] {
            sit(&table, mailbox).await;
        }
        assert_eq!(table.connected(), 1);
        assert!(!table.leave(&d1(), &first));
        assert!(table.leave(&d1(), &second));
        table.told(&d1());
        assert_eq!(table.connected(), 0);
        assert!(is_empty(&table));
    }

    #[tokio::test]
    async fn the_core_does_not_hear_of_a_departure_while_another_arrives() {
        let (table, first) = (LinkTable::new(), mailbox());
        sit(&table, &first).await;
        table.arrive(&d1()).await;
        assert!(!table.leave(&d1(), &first));
        assert!(table.withdraw(&d1(), false), "who arrived was refused, and the first one is still gone");
        table.told(&d1());
        assert!(is_empty(&table));
    }

    #[tokio::test]
    async fn who_arrives_waits_until_the_core_was_told() {
        let (table, first) = (LinkTable::new(), mailbox());
        sit(&table, &first).await;
        assert!(table.leave(&d1(), &first));
        assert_eq!(table.try_arrive(&d1()), None);
        table.told(&d1());
        assert!(table.try_arrive(&d1()).is_some());
    }

    #[tokio::test]
    async fn who_arrives_while_its_identity_is_cut_does_not_stay() {
        let (table, late, later) = (LinkTable::new(), mailbox(), mailbox());
        let arrival = table.arrive(&d1()).await;
        table.cut(&d1());
        let second = table.arrive(&d1()).await;
        // Whoever came after the cut knows of it, whichever of the two sits down first.
        table.sit(&d1(), second, Arc::clone(&later));
        let poll = |mailbox: &Mailbox| mailbox.poll(&Context::from_waker(Waker::noop()), true);
        assert!(poll(&later).is_pending());
        table.sit(&d1(), arrival, Arc::clone(&late));
        assert_eq!(poll(&late), Poll::Ready(Err(Cut::Told)));
    }

    #[tokio::test]
    async fn somebody_unknown_who_is_refused_leaves_no_trace() {
        let table = LinkTable::new();
        table.arrive(&d1()).await;
        assert!(!table.withdraw(&d1(), false));
        assert!(is_empty(&table));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_to_nobody_waits_as_long_as_it_was_told_and_leaves_no_trace() {
        let table = LinkTable::new();
        let start = Instant::now();
        let patience = Duration::from_secs(7);
        let fault = table.call(&d1(), "m", Bytes::new(), patience, patience).await;
        assert_eq!((fault, start.elapsed()), (Err(MethodFault::NotOnline), patience));
        assert!(is_empty(&table));
    }
}
