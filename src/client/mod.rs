//! The hub over its REST API, and over a file: both are what `reconcile::ports` asks for.
//!
//! * [`HubClient`] speaks to Azure IoT Hub, or to any hub that speaks as it does: reads and writes twins, streams
//!   queries, calls methods.
//!   For a hub with a provisioning service of its own, it enrols devices.
//! * [`Seal`] keeps what was read of a hub from those who may not read it.
//! * [`Webhook`] is told of news.
//! * [`Vault`] reads secrets of an Azure Key Vault, as whom [`Entra`] knows.
//! * [`SignIn`] asks an issuer of `OpenID` Connect who somebody is.
//! * [`Snapshot`] reads twins from a file with a twin on each line, as `twinops query` prints them, or in a JSON array.
//!
//! [`Login`] says as whom; `http` makes connections; `token` gets what proves it; `answer` turns every answer that is no success into a
//! [`HubError`](crate::reconcile::ports::HubError). Bodies pass through as the bytes that came: whoever needs a twin
//! parses it, once.

mod answer;
mod bulk;
mod certificates;
mod configurations;
mod enrollments;
mod entra;
mod flatten;
mod http;
mod hub;
mod login;
mod oidc;
mod pages;
mod registry;
mod seal;
mod snapshot;
#[cfg(test)]
mod tests;
mod token;
mod vault;
mod webhook;

pub use enrollments::{Enrolled, EnrollmentOf};
pub use entra::{Entra, EntraError};
pub use http::ClientError;
pub use hub::{HubClient, MethodAnswer, Options};
pub use login::Login;
pub use oidc::{Flow, IssuerConfig, OidcError, SignIn};
pub use pages::Rows;
pub use seal::Seal;
pub use snapshot::{Snapshot, SnapshotError};
pub use vault::{Vault, VaultError};
pub use webhook::{Webhook, WebhookError};
