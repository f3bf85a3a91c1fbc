//! Identity and twin as the hub keeps them, and what a write does to them. Pure: no I/O, no clock.
//!
//! * [`Record`] is what the store holds of one identity; its sections stay text until somebody has to look inside.
//! * `configured` is what configurations make of a twin.
//! * `half` is one side of the properties with its metadata; `write` the writes of the service, `reported` those of
//!   the device; `view` what the two of them see; `digital` what Plug and Play clients see and write;
//!   `module` what is different for a module; `waiting` counts the messages that wait for a device.

mod configured;
mod digital;
mod half;
#[cfg(test)]
mod laws;
mod module;
mod reported;
mod view;
mod waiting;
mod write;

pub(crate) use configured::{Owner, Step, Wanted};
pub(crate) use digital::{DigitalPatch, digital_view};
pub(crate) use half::{Corrupt, Half};
pub(crate) use module::Standing;
pub(crate) use reported::parse as parse_report;
pub(crate) use view::{Head, Presence, device_view, head, twin_view};
pub(crate) use waiting::Waiting;
pub(crate) use write::{Mode, TwinWrite};

use super::ports::LinkId;
use crate::iothub::{DeviceIdentity, DeviceStatus, ETag};

/// One identity with its twin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) link: LinkId,
    /// Moves with every write of any part; a write names the one it read. Never the same again after a re-creation.
    pub(crate) revision: u64,
    /// Whether it may connect; the same as the identity's status.
    pub(crate) enabled: bool,
    /// JSON text of the identity, keys included.
    pub(crate) identity: Box<str>,
    /// The Plug and Play model announced at the last connect that named one; empty when none did.
    pub(crate) model_id: Box<str>,
    /// Counts the service's writes of the twin, from 1.
    pub(crate) etag: u64,
    /// Counts all writes of the twin, from 2 (protocol reference 5.3).
    pub(crate) version: u64,
    /// JSON text; nothing when never set.
    pub(crate) tags: Option<Box<str>>,
    pub(crate) desired: Half,
    pub(crate) reported: Half,
    /// The configurations that are applied, as JSON text of the twin's member; nothing when there are none.
    pub(crate) configurations: Option<Box<str>>,
    /// What is kept of the device's links.
    pub(crate) session: Session,
}

/// What outlives a link. Not part of the twin: writing it moves no counter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Session {
    /// Subscriptions of the last session, in the core's own code; 0 for none.
    pub(crate) subscriptions: u32,
    /// When it was last seen, and when the link last came or went; ISO 8601.
    pub(crate) last_activity: Option<Box<str>>,
    pub(crate) state_changed: Option<Box<str>>,
    /// Whether another hub process has the link.
    pub(crate) connected: bool,
    /// The messages that wait for it.
    pub(crate) waiting: Waiting,
}

impl Record {
    /// A new identity with an empty twin (protocol reference 5.1, 5.2).
    pub(crate) fn fresh(
        link: LinkId,
        identity: &DeviceIdentity,
        ticks: u64,
        time: &str,
    ) -> Result<Self, serde_json::Error> {
        let text = serde_json::to_string(identity)?;
        Ok(Self::empty(link, text.into(), identity.status, ticks, time))
    }

    fn empty(link: LinkId, identity: Box<str>, status: DeviceStatus, ticks: u64, time: &str) -> Self {
        Self {
            link,
            revision: ticks,
            enabled: status == DeviceStatus::Enabled,
            identity,
            model_id: Box::default(),
            etag: 1,
            version: 2,
            tags: None,
            desired: Half::fresh(time),
            reported: Half::fresh(time),
            configurations: None,
            session: Session::default(),
        }
    }

    /// The identity as it was written. A module's is read as its device's with the members that they share.
    pub(crate) fn identity(&self) -> Result<DeviceIdentity, Corrupt> {
        serde_json::from_str(&self.identity).map_err(Corrupt)
    }

    /// Puts another identity in the place of this one.
    pub(crate) fn set_identity(&mut self, identity: &DeviceIdentity) -> Result<(), serde_json::Error> {
        self.identity = serde_json::to_string(identity)?.into();
        self.enabled = identity.status == DeviceStatus::Enabled;
        Ok(())
    }

    /// The twin's etag.
    pub(crate) fn etag(&self) -> ETag {
        ETag::of_twin(self.etag)
    }
}
