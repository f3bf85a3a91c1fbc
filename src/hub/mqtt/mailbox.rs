//! What the hub has for one link: messages to send, method calls that wait for their answer, and its end.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use tokio::sync::oneshot;
use tracing::warn;

use super::super::ports::{MethodAnswer, Subscriptions};

/// Most messages that wait for one link; a device that does not read them in time loses the link.
const CAPACITY: usize = 128;

/// A message for the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    Desired {
        version: u64,
        patch: Bytes,
    },
    Call {
        rid: u32,
        method: Box<str>,
        payload: Bytes,
    },
    /// A message waits in the store.
    Mail,
}

/// Why the hub ends a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    TakenOver,
    Told,
    Flooded,
    Stopping,
}

/// Shared between the link's task and all that have something for it. Small, because every idle device has one:
/// the queues allocate only when used.
#[derive(Debug, Default)]
pub(super) struct Mailbox(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    orders: VecDeque<Order>,
    calls: Vec<(u32, oneshot::Sender<MethodAnswer>)>,
    subscriptions: Subscriptions,
    /// The version of the last desired patch that went out; what comes late is not sent.
    sent: u64,
    cut: Option<Cut>,
    closed: bool,
    mail: bool,
    reader: Option<Waker>,
}

impl Mailbox {
    pub(super) fn new(subscriptions: Subscriptions) -> Self {
        Self(Mutex::new(State { subscriptions, ..State::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the device is subscribed to now.
    pub(super) fn subscriptions(&self) -> Subscriptions {
        self.state().subscriptions
    }

    /// Replaces the subscriptions.
    pub(super) fn subscribe(&self, subscriptions: Subscriptions) {
        self.state().subscriptions = subscriptions;
    }

    /// Whether a method call would reach the device.
    pub(super) fn takes_calls(&self) -> bool {
        let state = self.state();
        !state.closed && state.subscriptions.methods.is_some()
    }

    /// Puts a desired patch among those that wait, in order of their versions.
    pub(super) fn desired(&self, version: u64, patch: Bytes) {
        let mut state = self.state();
        if state.closed || state.subscriptions.desired.is_none() {
            return;
        }
        if version <= state.sent {
            warn!(version, sent = state.sent, "a desired patch came after a later one and is not sent");
            return;
        }
        let later = |order: &Order| matches!(order, Order::Desired { version: other, .. } if *other > version);
        let at = state.orders.iter().position(later).unwrap_or(state.orders.len());
        state.insert(at, Order::Desired { version, patch });
    }

    /// A message waits in the store. Told once, however many there are.
    pub(super) fn mail(&self) {
        let mut state = self.state();
        if !state.closed && state.subscriptions.messages.is_some() {
            state.mail = true;
            state.wake();
        }
    }

    /// Puts a method call last; the answer comes through the receiver, or its sender is dropped with the link.
    /// `None` when the device takes no calls, or too much waits for it.
    pub(super) fn call(&self, rid: u32, method: &str, payload: Bytes) -> Option<oneshot::Receiver<MethodAnswer>> {
        let mut state = self.state();
        let full = state.orders.len() >= CAPACITY;
        if full || state.closed || state.subscriptions.methods.is_none() {
            return None;
        }
        let (sender, answer) = oneshot::channel();
        state.calls.push((rid, sender));
        let last = state.orders.len();
        state.insert(last, Order::Call { rid, method: method.into(), payload });
        Some(answer)
    }

    /// Hands an answer to the caller who waits for it; one that nobody waits for is dropped.
    pub(super) fn answer(&self, rid: u32, answer: MethodAnswer) {
        if let Some(sender) = self.state().take_call(rid) {
            // The caller may have gone in this moment.
            let _ = sender.send(answer);
        }
    }

    /// The caller does not wait any longer.
    pub(super) fn withdraw(&self, rid: u32) {
        self.state().take_call(rid);
    }

    /// Ends the link: nothing more is taken, callers learn that no answer comes, and the task wakes.
    pub(super) fn cut(&self, reason: Cut) {
        self.state().close(Some(reason));
    }

    /// The link's task is gone.
    pub(super) fn close(&self) {
        self.state().close(None);
    }

    /// For the link's task: how it is to end, told once, or the next message if it has room for one.
    pub(super) fn poll(&self, cx: &Context<'_>, has_room: bool) -> Poll<Result<Order, Cut>> {
        let mut state = self.state();
        if let Some(cut) = state.cut.take() {
            return Poll::Ready(Err(cut));
        }
        if let Some(order) = has_room.then(|| state.next()).flatten() {
            return Poll::Ready(Ok(order));
        }
        if state.reader.as_ref().is_none_or(|reader| !reader.will_wake(cx.waker())) {
            state.reader = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl State {
    fn insert(&mut self, at: usize, order: Order) {
        if self.orders.len() >= CAPACITY {
            return self.close(Some(Cut::Flooded));
        }
        self.orders.insert(at, order);
        self.wake();
    }

    /// The next message; a call whose caller is gone is skipped. An empty queue gives its memory back.
    fn next(&mut self) -> Option<Order> {
        loop {
            let Some(order) = self.orders.pop_front() else {
                self.orders = VecDeque::new();
                return std::mem::take(&mut self.mail).then_some(Order::Mail);
            };
            match &order {
                Order::Desired { version, .. } => self.sent = *version,
                Order::Call { rid, .. } if !self.calls.iter().any(|(call, _)| call == rid) => continue,
                Order::Call { .. } | Order::Mail => {}
            }
            return Some(order);
        }
    }

    fn take_call(&mut self, rid: u32) -> Option<oneshot::Sender<MethodAnswer>> {
        let at = self.calls.iter().position(|(call, _)| *call == rid)?;
        Some(self.calls.swap_remove(at).1)
    }

    fn close(&mut self, reason: Option<Cut>) {
        // A link that is ending already can still be ended more abruptly.
        if !self.closed || reason.is_some_and(|reason| reason != Cut::Stopping) {
            self.cut = reason;
        }
        self.closed = true;
        self.orders = VecDeque::new();
        self.calls = Vec::new();
        self.wake();
    }

    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::ports::Qos;

    fn open() -> Mailbox {
        let all = Some(Qos::AtMostOnce);
        Mailbox::new(Subscriptions { desired: all, methods: all, ..Subscriptions::default() })
    }

    fn poll(mailbox: &Mailbox) -> Poll<Result<Order, Cut>> {
        mailbox.poll(&Context::from_waker(Waker::noop()), true)
    }

    fn version(mailbox: &Mailbox) -> u64 {
        match poll(mailbox) {
            Poll::Ready(Ok(Order::Desired { version, .. })) => version,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn desired_patches_leave_in_order_and_never_after_a_later_one() {
        let mailbox = open();
        for version in [3, 1, 2] {
            mailbox.desired(version, Bytes::new());
        }
        assert_eq!([version(&mailbox), version(&mailbox), version(&mailbox)], [1, 2, 3]);
        mailbox.desired(2, Bytes::new());
        assert!(poll(&mailbox).is_pending());
    }

    #[test]
    fn a_call_that_was_withdrawn_is_not_sent() {
        let mailbox = open();
        let _answer = mailbox.call(1, "m", Bytes::new()).unwrap();
        mailbox.withdraw(1);
        assert!(poll(&mailbox).is_pending());
    }

    #[test]
    fn a_full_mailbox_ends_the_link_and_its_calls() {
        let mailbox = open();
        let mut answer = mailbox.call(1, "m", Bytes::new()).unwrap();
        for version in 1..CAPACITY as u64 {
            mailbox.desired(version, Bytes::new());
        }
        assert!(mailbox.call(2, "m", Bytes::new()).is_none(), "a call that does not fit does no harm");
        assert!(mailbox.takes_calls());
        mailbox.desired(1000, Bytes::new());
        assert_eq!(poll(&mailbox), Poll::Ready(Err(Cut::Flooded)));
        assert_eq!(answer.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert!(mailbox.call(2, "m", Bytes::new()).is_none());
        assert!(poll(&mailbox).is_pending(), "the end is told once");
    }

    #[test]
    fn without_room_only_the_end_is_told() {
        let mailbox = open();
        mailbox.desired(1, Bytes::new());
        let cx = Context::from_waker(Waker::noop());
        assert!(mailbox.poll(&cx, false).is_pending());
        mailbox.cut(Cut::Told);
        assert_eq!(mailbox.poll(&cx, false), Poll::Ready(Err(Cut::Told)));
    }

    #[test]
    fn nothing_waits_for_a_device_that_is_not_subscribed() {
        let mailbox = Mailbox::default();
        mailbox.desired(1, Bytes::new());
        assert!(mailbox.call(1, "m", Bytes::new()).is_none());
        assert!(poll(&mailbox).is_pending());
    }
}
