//! What the state folder of a hub says, whether the hub is running or not. Changes nothing.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::{
    auth::{POLICIES, Policies},
    config::Addresses,
    dps::ID_SCOPE,
    error::HubError,
    store::settings_of,
    tls::CA_FILE,
};
use crate::iothub::{HostName, Secret, ServiceConnection, ServiceCredential};

/// Settings that a hub leaves at its start.
pub(super) const HOSTNAME: &str = "hostname";
pub(super) const HTTP_ADDRESS: &str = "http";
pub(super) const MQTT_ADDRESS: &str = "mqtt";

/// The connection string of a policy, with the name that the hub had when it was last started.
///
/// # Errors
/// When the folder holds no hub, or the hub has no such policy.
pub fn service_connection_string(state: &Path, policy: &str) -> Result<Secret, HubError> {
    let [policies, hostname] = settings(state, [POLICIES, HOSTNAME])?;
    let host = HostName::parse(&hostname).map_err(|error| HubError::Name(error.into()))?;
    connection_string(&Policies::parse(&policies)?, policy, host)
}

/// Where the hub listened when it was last started.
///
/// # Errors
/// When the folder holds no hub.
pub fn addresses(state: &Path) -> Result<Addresses, HubError> {
    let read = |text: String| {
        text.parse::<SocketAddr>().map_err(|error| HubError::Store(format!("a stored address is none: {error}").into()))
    };
    let [http, mqtt] = settings(state, [HTTP_ADDRESS, MQTT_ADDRESS])?;
    Ok(Addresses { http: read(http)?, mqtt: read(mqtt)? })
}

/// The id scope by which devices name the provisioning service.
///
/// # Errors
/// When the folder holds no hub, or only that of an earlier program.
pub fn id_scope(state: &Path) -> Result<String, HubError> {
    let [scope] = settings(state, [ID_SCOPE])?;
    Ok(scope)
}

/// The certificate that clients have to trust, if the hub has its own authority.
pub fn ca_pem_path(state: &Path) -> Option<PathBuf> {
    let path = state.join(CA_FILE);
    path.exists().then_some(path)
}

/// The connection string of a policy.
pub(super) fn connection_string(policies: &Policies, name: &str, host: HostName) -> Result<Secret, HubError> {
    let policy = policies.get(name).ok_or_else(|| HubError::NoPolicy(name.to_owned()))?;
    let credential = ServiceCredential::Key { policy: policy.name.clone(), key: policy.primary.clone() };
    Ok(ServiceConnection { host, gateway: None, credential }.to_connection_string())
}

/// Settings that every hub has.
fn settings<const N: usize>(state: &Path, names: [&str; N]) -> Result<[String; N], HubError> {
    let none = || HubError::NoHub(state.to_owned());
    let found = settings_of(state, &names)?.ok_or_else(none)?;
    let found: Option<Vec<String>> = found.into_iter().collect();
    found.and_then(|found| found.try_into().ok()).ok_or_else(none)
}
