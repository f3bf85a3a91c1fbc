//! The provisioning service, carried out (protocol reference 13): the part of the core that `dps` is the knowledge of.
//!
//! * `enroll` keeps what operators declare, `bulk` many at a time, and `list` shows it.
//! * `register` decides who registers, and `assign` makes a device of them: identity, twin and registration are written
//!   together or not at all. Nothing is written for anybody who has not proved to be whom an enrolment describes.
//! * `registrations` shows operators what came of it.

mod assign;
mod bulk;
mod enroll;
mod list;
mod register;
mod registrations;

pub(crate) use bulk::{BulkEnrollment, BulkOutcome};
pub(crate) use list::Listing;

use crate::hub::dps::Throttle;

/// What the provisioning service of a hub is called, and how much it takes.
#[derive(Debug, Default)]
pub(super) struct Provisioner {
    /// Empty where there is no such service.
    id_scope: String,
    /// The hub's name that devices are told.
    hub: String,
    throttle: Throttle,
}

impl Provisioner {
    pub(super) fn new(id_scope: String, hub: String) -> Self {
        Self { id_scope, hub, throttle: Throttle::default() }
    }
}
