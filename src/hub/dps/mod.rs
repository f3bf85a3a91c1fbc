//! The provisioning service (protocol reference 13): who may become a device of this hub, and as which. Pure but for new
//! keys; the core carries it out, under `core::provisioning`.
//!
//! * `enrollment` is what an operator declares, for one device or for a group of them; `attestation` is the part of it
//!   that says how a device proves itself.
//! * `proof` decides whether somebody is whom an enrolment describes, and how the device will prove itself to the hub.
//! * `registration` is what came of it, as it is stored and as devices and operators see it.
//! * `query` is the little of a query language that enrolments have; `throttle` keeps strangers and herds at bay.

mod attestation;
mod enrollment;
mod id_scope;
mod proof;
mod query;
mod registration;
mod throttle;

pub(crate) use attestation::Attestation;
pub(crate) use enrollment::{Breed, Enrollment, ReprovisionPolicy};
pub(crate) use id_scope::{ID_SCOPE, new_id_scope};
pub(crate) use proof::{Shown, prove};
pub(crate) use query::{Continuation, condition};
pub(crate) use registration::{Registration, RegistrationBody, RegistrationState, RegistrationStatus, Substatus};
pub(crate) use throttle::Throttle;
