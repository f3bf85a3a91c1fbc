//! What reconciling needs of a hub, in its own words; reading and writing apart, so that a plan, which is given a
//! reader only, cannot change anything.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::Stream;
use serde_json::value::RawValue;

use crate::{
    fleet::IdentitySpec,
    twin::{DeviceId, RowError, TwinRow},
};

/// The text of one twin as the hub sent it.
#[derive(Debug, Clone)]
pub struct TwinText(pub bytes::Bytes);

impl TwinText {
    /// The twin, borrowed from this text.
    ///
    /// # Errors
    /// When the text is no twin.
    pub fn row(&self) -> Result<TwinRow<'_>, RowError> {
        Ok(serde_json::from_slice(&self.0)?)
    }
}

/// Several twins as they came: a page of a query, or a stretch of a snapshot file.
#[derive(Debug, Clone)]
pub enum Page {
    /// A JSON array of twins.
    Array(bytes::Bytes),
    /// A twin on each line.
    Lines(bytes::Bytes),
}

impl Page {
    /// Hands every twin of the page to `take`, in order. Blank lines are passed over.
    ///
    /// # Errors
    /// When a row is no twin.
    pub fn for_each<'a>(&'a self, mut take: impl FnMut(Result<TwinRow<'a>, RowError>)) -> Result<(), RowError> {
        match self {
            Self::Array(text) => serde_json::from_slice::<Vec<TwinRow<'_>>>(text)?.into_iter().map(Ok).for_each(take),
            Self::Lines(text) => text
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.trim_ascii().is_empty())
                .for_each(|line| take(serde_json::from_slice(line).map_err(RowError::from))),
        }
        Ok(())
    }
}

impl Page {
    /// The text of every twin of the page, in order.
    ///
    /// # Errors
    /// When the page is no array.
    pub fn texts(&self) -> Result<Vec<TwinText>, RowError> {
        let (Self::Array(all) | Self::Lines(all)) = self;
        let text = |part: &[u8]| TwinText(all.slice_ref(part));
        Ok(match self {
            Self::Array(all) => {
                let rows: Vec<&RawValue> = serde_json::from_slice(all)?;
                rows.into_iter().map(|row| text(row.get().as_bytes())).collect()
            }
            Self::Lines(all) => {
                let lines = all.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
                lines.filter(|line| !line.is_empty()).map(text).collect()
            }
        })
    }
}

/// Reading a hub.
pub trait TwinRead: Send + Sync {
    /// One twin, fresh from its document and not from an index; `None` when the hub does not know the device.
    fn twin(&self, device: &DeviceId) -> impl Future<Output = Result<Option<TwinText>, HubError>> + Send;

    /// The twins of devices that the statement selects (`SELECT * FROM devices …`), page by page. They come from an
    /// index and may be stale: candidates, never the ground for a write.
    fn twins(&self, statement: &str) -> impl Stream<Item = Result<Page, HubError>> + Send;
}

/// Writing to a hub.
pub trait TwinWrite: Send + Sync {
    /// Merges `patch` into the twin if its etag is still `etag`. The twin as it is then.
    fn patch(
        &self,
        device: &DeviceId,
        etag: &str,
        patch: &RawValue,
    ) -> impl Future<Output = Result<TwinText, HubError>> + Send;

    /// Registers a device that the hub does not know. Its keys are the hub's to make.
    fn register(&self, device: &DeviceId, identity: &IdentitySpec)
    -> impl Future<Output = Result<(), HubError>> + Send;
}

/// Planning one device afresh, when its twin is not the one that was planned against.
pub trait Replan: Send + Sync {
    /// What this twin needs now; `None` when it needs nothing.
    ///
    /// # Errors
    /// One sentence, when the twin cannot be read or planned.
    fn replan(&self, twin: &TwinText) -> Result<Option<Replanned>, String>;

    /// The write whose body was saved without its secrets, for a twin that has not moved on since; `None` when it would
    /// be another one today.
    ///
    /// # Errors
    /// One sentence, when the twin cannot be read or planned.
    fn fill_in(&self, twin: &TwinText, _redacted: &RawValue) -> Result<Option<Replanned>, String> {
        self.replan(twin)
    }
}

/// The write that a single device needs.
#[derive(Debug, Clone)]
pub struct Replanned {
    /// The body of the PATCH.
    pub patch: Arc<RawValue>,
    /// The body of a PATCH that comes before it.
    pub before: Option<Arc<RawValue>>,
    /// The etag of the twin that it was planned against.
    pub etag: Box<str>,
    /// How many values change; 0: the marker alone.
    pub deltas: usize,
}

/// Why a hub did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The twin has moved on since its etag was read (412).
    #[error("the twin was changed by somebody else in the meantime")]
    Stale,
    /// The hub does not know the device (404).
    #[error("the hub does not know this device; register it, or give its document an `identity`")]
    NoDevice,
    /// The device exists already (409).
    #[error("the device is registered already")]
    Exists,
    /// The hub asks for less (429).
    #[error("the hub is throttling")]
    Throttled {
        /// How long it asked to wait, if it did.
        retry_after: Option<Duration>,
    },
    /// The credentials do not allow it (401, 403).
    #[error("the hub refuses these credentials: {message}")]
    Unauthorized {
        /// What the hub said.
        message: String,
    },
    /// The hub refused the request for what it says (other 4xx).
    #[error("the hub refuses: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the hub said.
        message: String,
    },
    /// The hub has trouble of its own (5xx).
    #[error("the hub cannot answer now (HTTP {status})")]
    Unavailable {
        /// The HTTP status.
        status: u16,
    },
    /// No answer: name, route, TLS or a broken connection.
    #[error("the hub cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An answer that cannot be understood.
    #[error("the hub's answer cannot be understood")]
    Answer(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl HubError {
    /// Whether the same request may succeed later.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::Unavailable { .. } | Self::Unreachable(_))
    }
}
