//! What a device asked for and the core must do, one after the other.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::timeout;

use super::{
    super::ports::{DeviceService, Fault, LinkId, Subscriptions},
    end::End,
};

/// The core took too long.
const TOO_SLOW: u32 = 500_008;
/// The device's request makes no sense.
const BAD_ARGUMENT: u32 = 400_004;

/// A request in its turn.
#[derive(Debug)]
pub(super) struct Job {
    /// The packet to acknowledge once the request is accepted.
    pub(super) ack: Option<u16>,
    pub(super) work: Work,
}

#[derive(Debug)]
pub(super) enum Work {
    /// Nothing for the core; only the acknowledgement has to wait for its turn.
    Nothing,
    Twin {
        rid: Box<str>,
    },
    Reported {
        rid: Box<str>,
        /// As the device wrote it.
        expected: Option<Box<str>>,
        patch: Box<[u8]>,
    },
    Telemetry {
        properties: Box<str>,
        payload: Bytes,
    },
    /// Keeps subscriptions if they are to be kept, then sends the reply.
    Subscriptions {
        keep: Option<Subscriptions>,
        reply: Vec<u8>,
    },
}

/// What is to be told to the device.
#[derive(Debug)]
pub(super) enum Outcome {
    Accepted,
    /// A twin response: the body, and with a patch the new version.
    Twin {
        rid: Box<str>,
        result: Result<(Option<u64>, Bytes), Fault>,
    },
    Reply(Vec<u8>),
}

impl Job {
    /// Bytes that it holds on to while it waits.
    pub(super) const fn weight(&self) -> usize {
        match &self.work {
            Work::Nothing | Work::Twin { .. } => 0,
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
            let result = match version(expected.as_deref()) {
                Ok(expected) => within(limit, service.patch_reported(&link, &patch, expected)).await,
                Err(fault) => Err(fault),
            };
            Ok(Outcome::Twin { rid, result: result.map(|version| (Some(version), Bytes::new())) })
        }
        Work::Telemetry { properties, payload } => {
            within(limit, service.telemetry(&link, &properties, payload)).await.map_err(End::from)?;
            Ok(Outcome::Accepted)
        }
        Work::Subscriptions { keep, reply } => {
            if let Some(subscriptions) = keep {
                within(limit, service.keep_subscriptions(&link, subscriptions)).await.map_err(End::from)?;
            }
            Ok(Outcome::Reply(reply))
        }
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let late = |_| Err(Fault { code: TOO_SLOW, message: "the hub did not finish in time; try again".to_owned() });
    timeout(limit, work).await.unwrap_or_else(late)
}

fn version(text: Option<&str>) -> Result<Option<u64>, Fault> {
    let bad = |_| Fault {
        code: BAD_ARGUMENT,
        message: "$version in the topic is no version; give the number that the twin has, or leave it out".to_owned(),
    };
    text.map(|text| text.parse().map_err(bad)).transpose()
}

impl From<Fault> for End {
    fn from(Fault { code, message }: Fault) -> Self {
        Self::Faulted { code, message }
    }
}
