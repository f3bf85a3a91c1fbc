//! What a hub opens and settles before it listens: its state folder, its store, and what the store has to say.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::task::spawn_blocking;
use tracing::warn;

use super::{
    auth::{POLICIES, Policies},
    cluster::{AnyLinks, Cluster},
    config::{Addresses, Config},
    dps::{ID_SCOPE, new_id_scope},
    error::HubError,
    folder::Memory,
    meter::Meter,
    mqtt::LinkTable,
    offline::{HOSTNAME, HTTP_ADDRESS, MQTT_ADDRESS},
    store::{Address, AnyStore, Change, DirectoryLock, Outcome, PostgresStore, SqliteStore, Store as _, StoreError},
    tls,
};
use crate::iothub::{HostName, Secret};

/// The setting under which hubs over one store share their certificate authority.
const AUTHORITY: &str = "authority";

pub(super) async fn lock_state(folder: PathBuf) -> Result<DirectoryLock, HubError> {
    let path = folder.clone();
    let open = move || {
        make_folder(&folder).map_err(|cause| HubError::state(&folder, cause))?;
        DirectoryLock::take(&folder).map_err(|cause| HubError::state(&folder, cause))
    };
    spawn_blocking(open).await.map_err(|cause| HubError::state(&path, cause))?
}

/// The store, and its address if it is a shared one: the one that was given, or the one that the folder remembers, lest
/// a hub that was started without it serves an empty fleet.
pub(super) async fn open_store(config: &Config, meter: Arc<Meter>) -> Result<(AnyStore, Option<Secret>), HubError> {
    let folder = config.state.clone();
    let remembered = Memory::of(&folder).map_err(|cause| HubError::state(&folder, cause))?;
    if let Some(address) = config.store.clone().or(remembered.map(|memory| memory.store)) {
        let store = PostgresStore::open_counted(Address::parse(address.reveal())?, meter).await?;
        return Ok((AnyStore::Shared(Arc::new(store)), Some(address)));
    }
    let opened = spawn_blocking(move || SqliteStore::open_counted(&folder, meter)).await;
    let store = opened.map_err(|cause| HubError::state(&config.state, cause))??;
    Ok((AnyStore::Embedded(store), None))
}

pub(super) async fn all_links(
    links: &Arc<LinkTable>,
    store: &AnyStore,
    hostname: &HostName,
) -> Result<AnyLinks, HubError> {
    Ok(match store {
        AnyStore::Embedded(_) => AnyLinks::Alone(Arc::clone(links)),
        AnyStore::Shared(store) => {
            AnyLinks::Together(Cluster::join(Arc::clone(links), Arc::clone(store), hostname.to_string()).await?)
        }
    })
}

/// Hubs over one store have one authority, so that one file fits all of them: that of whichever started first.
pub(super) async fn share_authority(store: &AnyStore, config: &Config) -> Result<(), HubError> {
    if config.certificate.is_some() || matches!(store, AnyStore::Embedded(_)) {
        return Ok(());
    }
    let own = tls::CertificateAuthority::material(&config.state)?;
    let broken = |cause: serde_json::Error| HubError::Store(cause.into());
    let shared = store.settle(AUTHORITY, &serde_json::to_string(&own).map_err(broken)?).await?;
    let shared: tls::Material = serde_json::from_str(&shared).map_err(broken)?;
    Ok(tls::CertificateAuthority::adopt(&config.state, &shared)?)
}

/// It holds keys: nobody but its owner looks inside.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

pub(super) async fn policies(store: &AnyStore) -> Result<Policies, HubError> {
    if let Some(text) = store.setting(POLICIES).await? {
        let policies = Policies::parse(&text)?;
        let Some(completed) = policies.completed()? else { return Ok(policies) };
        set(store, [(POLICIES, completed.text()?)]).await?;
        return Ok(completed);
    }
    let text = store.settle(POLICIES, &Policies::generate()?.text()?).await?;
    Ok(Policies::parse(&text)?)
}

/// Made once, and the same for all hubs over one store: it is written into devices.
pub(super) async fn id_scope(store: &AnyStore) -> Result<String, HubError> {
    if let Some(scope) = store.setting(ID_SCOPE).await? {
        return Ok(scope);
    }
    Ok(store.settle(ID_SCOPE, &new_id_scope()?).await?)
}

/// For commands that are not this process.
pub(super) async fn remember(
    store: &AnyStore,
    folder: &Path,
    address: Option<Secret>,
    hostname: &HostName,
    addresses: Addresses,
) -> Result<(), HubError> {
    if let Some(store) = address {
        let Addresses { http, mqtt } = addresses;
        let memory = Memory { store, hostname: hostname.to_string(), http, mqtt };
        return memory.keep(folder).map_err(|cause| HubError::state(folder, cause));
    }
    let settings = [
        (HOSTNAME, hostname.to_string()),
        (HTTP_ADDRESS, addresses.http.to_string()),
        (MQTT_ADDRESS, addresses.mqtt.to_string()),
    ];
    match set(store, settings).await {
        Err(StoreError::Full) => {
            // Reading goes on.
            warn!("the disk is full: commands on this folder look for the hub where it was before");
            Ok(())
        }
        done => Ok(done?),
    }
}

async fn set<const N: usize>(store: &AnyStore, settings: [(&str, String); N]) -> Result<(), StoreError> {
    let changes = settings.into_iter().map(|(name, value)| Change::Setting { name: name.to_owned(), value });
    match store.write(changes.collect()).await? {
        Outcome::Written => Ok(()),
        Outcome::Conflict => {
            Err(StoreError::Database { doing: "keeping a setting", cause: "another process has it".into() })
        }
    }
}
