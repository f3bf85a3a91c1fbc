//! Who may do what (protocol reference 1.3, 1.5).
//!
//! * [`Authority`] holds the hub's names and policies and checks credentials, in constant time where keys are
//!   compared.
//! * `certificates` checks what devices show in the handshake.
//! * `oidc` checks bearer tokens.
//! * `policies` makes the policies of a new hub and reads those of an old one.

mod action;
mod certificates;
mod check;
mod oidc;
mod policies;

pub(crate) use action::Action;
pub(crate) use certificates::{own_certificate, signed_certificate};
pub(crate) use check::{Authority, Denial};
pub(crate) use oidc::{BearerError, Issuer};
pub use oidc::{DataRole, OidcConfig, UnknownRole};
pub(crate) use policies::{POLICIES, Policies, PoliciesError};
