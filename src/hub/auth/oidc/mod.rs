//! Bearer tokens of an issuer that speaks `OpenID` Connect, for the service API (protocol reference 1.6). Microsoft
//! Entra ID is one.
//!
//! * [`OidcConfig`] names the issuer and what its tokens must say.
//! * [`Issuer`] checks tokens; it has the issuer's keys in memory and fetches them anew, on time and when a token is
//!   signed with one that it does not know. A request waits a few seconds for that at most.
//! * `token` takes a token apart and checks what it claims, `keys` are what it is signed with, `roles` what its bearer
//!   may do; `fetch` speaks HTTP.

mod fetch;
mod issuer;
mod roles;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub(crate) use self::issuer::Issuer;
pub(crate) use crate::jwt::BearerError;
pub use roles::{DataRole, UnknownRole};

/// Whose bearer tokens open the service API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcConfig {
    /// The issuer, exactly as its tokens name it, e.g. `https://sts.windows.net/{tenant}/`. What it publishes about
    /// itself is at `/.well-known/openid-configuration` below it.
    pub issuer: String,
    /// For whom tokens have to be; one of these.
    pub audiences: Vec<String>,
    /// The claim that has the roles: a name, or the way to it in nested objects, e.g. `realm_access.roles`.
    pub role_claim: String,
    /// What values of the claim mean, besides the names of the data roles themselves.
    pub roles: Vec<(String, DataRole)>,
    /// Certificates (PEM) of the authorities by which the issuer is trusted, instead of the system's.
    pub ca: Option<PathBuf>,
}
