//! What devices ask for (protocol reference 11).

use std::{num::NonZeroU16, sync::Arc};

use bytes::Bytes;

use super::{Core, Decision};
use crate::hub::{
    failure::Failure,
    meter::Written,
    ports::{Admission, ConnectRequest, Delivery, DeviceService, Fault, LinkId, Links, Qos, Refusal, Subscriptions},
    record::{Record, device_view, parse_report},
    store::{Change, Store},
    time,
};
use crate::iothub::ErrorCode;

impl<S: Store, L: Links> DeviceService for Core<S, L> {
    async fn connect(&self, request: &ConnectRequest<'_>) -> Result<Admission, Refusal> {
        self.admit(request).await
    }

    fn disconnected(&self, link: &LinkId) {
        self.trusted.went(link);
        if let Some(seen) = self.presence.go(link, time::now()) {
            self.store.note(seen);
            self.outlet.connection(link, false);
        }
    }

    async fn keep_subscriptions(&self, link: &LinkId, session: u64, subscriptions: Subscriptions) -> Result<(), Fault> {
        // In its turn, so that a session that takes over finds either all of it or nothing still to come.
        let _turn = self.locks.turn(link).await;
        if !self.presence.is_current(link, session) {
            let code = ErrorCode::ConnectionForcefullyClosedOnNewConnection;
            return Err(Failure::new(code, "another connection of this identity has taken over").into());
        }
        let keep = Change::Subscriptions { link: link.clone(), subscriptions: code(subscriptions) };
        let _written = self.store.write(vec![keep]).await.map_err(Failure::from)?;
        Ok(())
    }

    async fn twin(&self, link: &LinkId) -> Result<Bytes, Fault> {
        self.presence.seen(link, time::now());
        let record = self.store.get(link).await.map_err(Failure::from)?;
        let record = record.ok_or_else(|| Failure::no_twin(link))?;
        Ok(device_view(&record))
    }

    async fn patch_reported(&self, link: &LinkId, patch: &[u8], expected: Option<u64>) -> Result<u64, Fault> {
        let now = time::now();
        self.presence.seen(link, now);
        let patch = parse_report(patch)?;
        let text = time::text(now);
        let _turn = self.locks.turn(link).await;
        let change = |record: &mut Record| record.report(&patch, expected, &text).map(Decision::Write);
        let (record, version): (Arc<Record>, u64) = self.change(link, change).await?;
        self.meter.twin_written(Written::Reported);
        self.outlet.reported(&patch, &record);
        Ok(version)
    }

    async fn telemetry(&self, link: &LinkId, properties: &str, payload: Bytes) -> Result<(), Fault> {
        self.presence.seen(link, time::now());
        tracing::trace!(%link, bytes = payload.len(), "a message came");
        let taken = self.outlet.telemetry(link, properties, payload).await;
        self.meter.telemetry(taken.is_ok());
        Ok(taken?)
    }

    async fn next_message(
        &self,
        link: &LinkId,
        after: u64,
        packet: Option<NonZeroU16>,
    ) -> Result<Option<Delivery>, Fault> {
        self.presence.seen(link, time::now());
        Ok(self.deliver(&link.device, after, packet).await?)
    }

    async fn complete_message(&self, link: &LinkId, sequence: u64) -> Result<(), Fault> {
        self.presence.seen(link, time::now());
        Ok(self.complete(&link.device, sequence).await?)
    }
}

/// Two bits for each subscription: 0 for none, otherwise quality of service and one.
fn code(subscriptions: Subscriptions) -> u32 {
    let Subscriptions { twin_responses, desired, methods, messages, inputs } = subscriptions;
    let all = [twin_responses, desired, methods, messages, inputs];
    all.into_iter().rev().fold(0, |code, one| {
        code << 2
            | match one {
                None => 0,
                Some(Qos::AtMostOnce) => 1,
                Some(Qos::AtLeastOnce) => 2,
            }
    })
}

/// The other way round.
pub(super) fn subscriptions(code: u32) -> Subscriptions {
    let one = |at: u32| match code >> (2 * at) & 3 {
        1 => Some(Qos::AtMostOnce),
        2 => Some(Qos::AtLeastOnce),
        _ => None,
    };
    Subscriptions { twin_responses: one(0), desired: one(1), methods: one(2), messages: one(3), inputs: one(4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_of_subscriptions_is_read_as_it_was_kept() {
        let qualities = [None, Some(Qos::AtMostOnce), Some(Qos::AtLeastOnce)];
        for at in 0..3_usize.pow(5) {
            let one = |place: u32| qualities[at / 3_usize.pow(place) % 3];
            let all = Subscriptions {
                twin_responses: one(0),
                desired: one(1),
                methods: one(2),
                messages: one(3),
                inputs: one(4),
            };
            assert_eq!(subscriptions(code(all)), all);
        }
        assert_eq!(code(Subscriptions::default()), 0);
    }
}
