//! What tells one edition of a twin from the next.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::twin::TwinRow;

/// The component of our own agent.
const AGENT: &str = "twinops";

/// Asks for the edition of every twin. The agent's component is there as soon as its marker is (protocol reference 15.1).
pub(super) const EDITIONS: &str = "SELECT deviceId, etag, deviceEtag, modelId, properties.reported.twinops.__t AS agent \
                                   FROM devices";

/// Two twins of one device with the same edition have the same tags, desired properties and model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Edition {
    /// Moves with every write of tags and desired properties (protocol reference 5.1).
    pub(super) etag: Box<str>,
    /// Another one when the device has been deleted and made anew, which starts etags again.
    pub(super) device_etag: Box<str>,
    /// Reported by the device; empty for none.
    pub(super) model_id: Box<str>,
    /// Our agent has reported.
    pub(super) agent: bool,
}

/// A row of the answer to [`EDITIONS`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seen<'a> {
    #[serde(borrow)]
    pub(super) device_id: Cow<'a, str>,
    #[serde(borrow, default)]
    etag: Cow<'a, str>,
    #[serde(borrow, default)]
    device_etag: Cow<'a, str>,
    #[serde(borrow, default)]
    model_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    agent: Option<Cow<'a, str>>,
}

impl Edition {
    /// The edition of a twin; `None` when the hub does not tell enough.
    pub(super) fn of(row: &TwinRow<'_>) -> Option<Self> {
        let device_etag = row.device_etag.as_deref().unwrap_or_default();
        (!row.etag.is_empty() && !device_etag.is_empty()).then(|| Self {
            etag: row.etag.as_ref().into(),
            device_etag: device_etag.into(),
            model_id: row.model_id.as_deref().unwrap_or_default().into(),
            agent: row.properties.reported.member(AGENT).is_some(),
        })
    }

    /// Whether the hub still holds it.
    pub(super) fn is(&self, seen: &Seen<'_>) -> bool {
        *self.etag == *seen.etag
            && *self.device_etag == *seen.device_etag
            && *self.model_id == *seen.model_id.as_deref().unwrap_or_default()
            && self.agent == seen.agent.is_some()
    }
}
