//! What a device asked for and the core must do, one after the other.

use std::{future::Future, num::NonZeroU16, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use super::{
    super::ports::{Delivery, DeviceService, Fault, LinkId, Subscriptions},
    end::End,
};

/// The core took too long.
const TOO_SLOW: u32 = 500_008;

/// A request in its turn.
#[derive(Debug)]
pub(super) struct Job {
    /// The packet to acknowledge once the request is accepted.
    pub(super) ack: Option<u16>,
    pub(super) work: Work,
    /// When it came.
    pub(super) since: Instant,
}

#[derive(Debug)]
pub(super) enum Work {
    /// Nothing for the core; only the acknowledgement has to wait for its turn.
    Nothing,
    Twin {
        rid: String,
    },
    Reported {
        rid: String,
        expected: Option<u64>,
        patch: Box<[u8]>,
    },
    Telemetry {
        properties: String,
        payload: Bytes,
    },
    /// Keeps subscriptions of a session if they are to be kept, then sends the reply.
    Subscriptions {
        keep: Option<(u64, Subscriptions)>,
        reply: Vec<u8>,
    },
    /// Asks for the next message of the service, which the packet is for.
    Message {
        after: u64,
        packet: Option<NonZeroU16>,
    },
    /// The device has a message.
    Complete {
        sequence: u64,
    },
}

/// What is to be told to the device.
#[derive(Debug)]
pub(super) enum Outcome {
    Accepted,
    /// A twin response: the body, and with a patch the new version.
    Twin {
        rid: String,
        result: Result<(Option<u64>, Bytes), Fault>,
    },
    Reply(Vec<u8>),
    /// A message of the service, if one waits.
    Message {
        packet: Option<NonZeroU16>,
        delivery: Option<Delivery>,
    },
}

impl Job {
    /// A request that came now.
    pub(super) fn new(ack: Option<u16>, work: Work) -> Self {
        Self { ack, work, since: Instant::now() }
    }

    /// What is left of `limit`: it counts from when the request came, so that a core that hangs cannot keep a link
    /// from being read for longer, however many requests wait.
    pub(super) fn left(&self, limit: Duration) -> Duration {
        limit.saturating_sub(self.since.elapsed())
    }

    /// Bytes that it holds on to while it waits.
    pub(super) const fn weight(&self) -> usize {
        match &self.work {
            Work::Nothing | Work::Twin { .. } | Work::Message { .. } | Work::Complete { .. } => 0,
            Work::Reported { patch, .. } => patch.len(),
            Work::Telemetry { payload, .. } => payload.len(),
            Work::Subscriptions { reply, .. } => reply.len(),
        }
    }
}

/// Does it, within `limit`. Faults of twin requests are for the device; any other fault ends the link.
pub(super) async fn perform<S: DeviceService>(
    service: Arc<S>,
    link: LinkId,
    work: Work,
    limit: Duration,
) -> Result<Outcome, End> {
    match work {
        Work::Nothing => Ok(Outcome::Accepted),
        Work::Twin { rid } => {
            let result = within(limit, service.twin(&link)).await.map(|body| (None, body));
            Ok(Outcome::Twin { rid, result })
        }
        Work::Reported { rid, expected, patch } => {
            let result = within(limit, service.patch_reported(&link, &patch, expected)).await;
            Ok(Outcome::Twin { rid, result: result.map(|version| (Some(version), Bytes::new())) })
        }
        Work::Telemetry { properties, payload } => {
            within(limit, service.telemetry(&link, &properties, payload)).await.map_err(End::from)?;
            Ok(Outcome::Accepted)
        }
        Work::Subscriptions { keep, reply } => {
            if let Some((session, subscriptions)) = keep {
                within(limit, service.keep_subscriptions(&link, session, subscriptions)).await.map_err(End::from)?;
            }
            Ok(Outcome::Reply(reply))
        }
        Work::Message { after, packet } => {
            let delivery = within(limit, service.next_message(&link, after, packet)).await.map_err(End::from)?;
            Ok(Outcome::Message { packet, delivery })
        }
        Work::Complete { sequence } => {
            within(limit, service.complete_message(&link, sequence)).await.map_err(End::from)?;
            Ok(Outcome::Accepted)
        }
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let late = |_| Err(Fault { code: TOO_SLOW, message: "the hub did not finish in time; try again".to_owned() });
    timeout(limit, work).await.unwrap_or_else(late)
}

impl From<Fault> for End {
    fn from(Fault { code, message }: Fault) -> Self {
        Self::Faulted { code, message }
    }
}
