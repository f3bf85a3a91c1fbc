//! What senders hear of their messages' ends.

use serde::Serialize;
use tracing::{info, warn};

use super::{Entry, Fate, Message, Queue, Received, Settlement, USUAL, entry, hold, lock, millis, received, settle};
use crate::{
    hub::{core::Core, failure::Failure, ports::Links, store::Store, time},
    iothub::{ErrorCode, Properties},
    twin::DeviceId,
};

/// The name of its queue, which is no device's.
const KEY: &str = "";
/// Most records that wait; the oldest goes when there is another one.
const DEPTH: usize = 500;

/// One end, as services read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Feedback<'a> {
    original_message_id: &'a str,
    enqueued_time_utc: String,
    status_code: Fate,
    description: Fate,
    device_id: &'a str,
    device_generation_id: &'a str,
}

impl<S: Store, L: Links> Core<S, L> {
    /// Records the ends of a device's messages whose senders want to hear of them. The message itself is over by
    /// now: what cannot be recorded is lost.
    pub(super) async fn report(&self, id: &DeviceId, gone: Vec<(Entry, Fate)>) {
        for (entry, fate) in gone {
            if matches!(fate, Fate::Expired | Fate::DeliveryCountExceeded) {
                info!(device = %id, sequence = entry.sequence, reason = ?fate, "a message was dropped undelivered");
            }
            if entry.receipt.as_ref().is_some_and(|receipt| receipt.covers(fate))
                && let Err(failure) = self.record_end(id, &entry, fate).await
            {
                warn!(device = %id, %failure, "the feedback of a message is lost");
            }
        }
    }

    async fn record_end(&self, id: &DeviceId, gone: &Entry, fate: Fate) -> Result<(), Failure> {
        let Some(receipt) = &gone.receipt else { return Ok(()) };
        let now = time::now();
        let feedback = [Feedback {
            original_message_id: &receipt.message_id,
            enqueued_time_utc: time::text(now),
            status_code: fate,
            description: fate,
            device_id: id.as_str(),
            device_generation_id: &receipt.generation_id,
        }];
        let payload =
            serde_json::to_vec(&feedback).map_err(|error| Failure::new(ErrorCode::ServerError, error.to_string()))?;
        let properties = Properties::from_iter([("$.ct", "application/vnd.microsoft.iothub.feedback.json")]);
        let body = Message { properties, payload: payload.into(), ..Message::default() }.body()?;
        let entry = entry(now, now + USUAL, None);
        let _turn = self.feedback.lock().await;
        self.change_queue(KEY, |queue: &mut Queue| {
            while queue.waiting(millis(now)) >= DEPTH {
                queue.drop_oldest(Fate::Expired);
            }
            Ok(((), Vec::new()))
        })
        .await?;
        self.push(KEY, &entry, &body, DEPTH, now, None).await.map(drop)
    }

    /// The first feedback that nobody holds, held for a while.
    pub(crate) async fn receive_feedback(&self) -> Result<Option<Received>, Failure> {
        let now = time::now();
        let lock = lock(now);
        let _turn = self.feedback.lock().await;
        let take = |queue: &mut Queue| Ok((hold(queue, &lock, millis(now)), Vec::new()));
        let (Some(entry), _) = self.change_queue(KEY, take).await? else { return Ok(None) };
        let body = self.body(KEY, entry.sequence).await?;
        Ok(body.map(|(properties, payload)| received(entry, lock.token, properties, payload)))
    }

    /// Drops feedback that nobody fetched in time.
    pub(super) async fn expire_feedback(&self, now: i64) -> Result<(), Failure> {
        let _turn = self.feedback.lock().await;
        let expire = |queue: &mut Queue| {
            queue.expire(now);
            Ok(((), Vec::new()))
        };
        self.change_queue(KEY, expire).await.map(drop)
    }

    /// Settles feedback that was taken under a lock.
    pub(crate) async fn settle_feedback(&self, token: &str, how: Settlement) -> Result<(), Failure> {
        let now = millis(time::now());
        let _turn = self.feedback.lock().await;
        let settle = |queue: &mut Queue| settle(queue, token, how, now).map(|()| ((), Vec::new()));
        self.change_queue(KEY, settle).await.map(drop)
    }
}
