//! What the state folder of a hub says, whether the hub is running or not. Changes nothing. With a shared store the
//! folder says where the store is, and the store says the rest.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::{
    auth::{POLICIES, Policies},
    config::Addresses,
    dps::ID_SCOPE,
    error::HubError,
    folder::Memory,
    store::{Address, PostgresStore, settings_of},
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
    service_connection_string_from(state, None, policy)
}

/// The same, with the address of the shared store if it is another one than the folder remembers.
///
/// # Errors
/// When the folder holds no hub, the store cannot be read, or the hub has no such policy.
pub fn service_connection_string_from(state: &Path, store: Option<&Secret>, policy: &str) -> Result<Secret, HubError> {
    let [policies, hostname] = match memory(state)? {
        Some(mut memory) => {
            memory.store = store.cloned().unwrap_or(memory.store);
            let [policies] = shared_settings(state, &memory, [POLICIES])?;
            [policies, memory.hostname]
        }
        None => settings(state, [POLICIES, HOSTNAME])?,
    };
    let host = HostName::parse(&hostname).map_err(|error| HubError::Name(error.into()))?;
    connection_string(&Policies::parse(&policies)?, policy, host)
}

/// Where the hub listened when it was last started.
///
/// # Errors
/// When the folder holds no hub.
pub fn addresses(state: &Path) -> Result<Addresses, HubError> {
    if let Some(Memory { http, mqtt, .. }) = memory(state)? {
        return Ok(Addresses { http, mqtt });
    }
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
    id_scope_from(state, None)
}

/// The same, with the address of the shared store if it is another one than the folder remembers.
///
/// # Errors
/// When the folder holds no hub, or only that of an earlier program, or the store cannot be read.
pub fn id_scope_from(state: &Path, store: Option<&Secret>) -> Result<String, HubError> {
    let [scope] = match memory(state)? {
        Some(mut memory) => {
            memory.store = store.cloned().unwrap_or(memory.store);
            shared_settings(state, &memory, [ID_SCOPE])?
        }
        None => settings(state, [ID_SCOPE])?,
    };
    Ok(scope)
}

/// Whether the hub of this folder keeps its data in a store that others may share.
///
/// # Errors
/// When the folder cannot be read.
pub fn has_shared_store(state: &Path) -> Result<bool, HubError> {
    Ok(memory(state)?.is_some())
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
    complete(state, settings_of(state, &names)?)
}

fn complete<const N: usize>(state: &Path, found: Option<Vec<Option<String>>>) -> Result<[String; N], HubError> {
    let found: Option<Vec<String>> = found.into_iter().flatten().collect();
    found.and_then(|found| found.try_into().ok()).ok_or_else(|| HubError::NoHub(state.to_owned()))
}

fn memory(state: &Path) -> Result<Option<Memory>, HubError> {
    Memory::of(state).map_err(|cause| HubError::state(state, cause))
}

/// Settings of a shared store. On a thread of its own, because whoever asks may be a task of another runtime.
fn shared_settings<const N: usize>(state: &Path, memory: &Memory, names: [&str; N]) -> Result<[String; N], HubError> {
    let address = Address::parse(memory.store.reveal())?;
    let ask = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|cause| HubError::Store(cause.into()))?;
        Ok(runtime.block_on(PostgresStore::settings_of(&address, &names))?)
    };
    let asked: Result<_, HubError> = std::thread::scope(|scope| scope.spawn(ask).join())
        .unwrap_or_else(|_| Err(HubError::Store("reading the store broke off".into())));
    complete(state, asked?)
}
