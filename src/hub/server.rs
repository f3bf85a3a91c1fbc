//! A hub from start to end.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::server::ResolvesServerCert;
use tokio::{net::TcpListener, task::spawn_blocking};
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::{
    api::{self, Api},
    auth::{Authority, POLICIES, Policies},
    cluster::{AnyLinks, Cluster},
    config::{Addresses, Config, bracketed},
    core::{ConfigurationEngine, Core},
    error::HubError,
    folder::Memory,
    listen::Listener,
    mqtt::{self, LinkTable},
    offline::{self, HOSTNAME, HTTP_ADDRESS, MQTT_ADDRESS},
    store::{Address, AnyStore, Change, DirectoryLock, Outcome, PostgresStore, SqliteStore, Store as _},
    tls,
};
use crate::{
    iothub::{AuthenticationType, DeviceConnection, DeviceCredential, DeviceIdentity, ErrorCode, HostName, Secret},
    task::{Group, Stop},
    twin::DeviceId,
};

/// The core over whichever store there is.
type HubCore = Core<AnyStore, AnyLinks>;

/// The setting under which hubs over one store share their certificate authority.
const AUTHORITY: &str = "authority";

/// A hub that listens. Nothing is answered until [`Hub::run`].
#[derive(Debug)]
pub struct Hub {
    core: Arc<HubCore>,
    links: Arc<LinkTable>,
    http: Listener,
    mqtt: Listener,
    addresses: Addresses,
    hostname: HostName,
    ca: Option<PathBuf>,
    lock: DirectoryLock,
    all_links: Arc<AnyLinks>,
}

impl Hub {
    /// Opens the state folder, or makes it with keys and certificates of its own, and binds both addresses.
    ///
    /// # Errors
    /// When the folder cannot be used or another hub uses it, an address is taken, or a name or certificate is bad.
    pub async fn open(config: Config) -> Result<Self, HubError> {
        let lock = lock_state(config.state.clone()).await?;
        let (store, address) = open_store(&config).await?;
        let http = bind("REST", config.http).await?;
        let mqtt = bind("MQTT", config.mqtt).await?;
        let addresses = Addresses { http: http.1, mqtt: mqtt.1 };
        let hostname = config.host(addresses.http.port());
        let hostname = HostName::parse(&hostname).map_err(|error| HubError::Name(error.into()))?;
        let policies = policies(&store).await?;
        remember(&store, &config.state, address, &hostname, addresses).await?;
        let names = config.all_names();
        let tokens_for = names.iter().map(|name| HostName::parse(&bracketed(name)));
        let tokens_for = tokens_for.collect::<Result<_, _>>().map_err(|error| HubError::Name(error.into()))?;
        share_authority(&store, &config).await?;
        let (certificate, ca) = certificate(&config, names)?;
        let links = Arc::new(LinkTable::new());
        let all_links = Arc::new(all_links(&links, &store, &hostname).await?);
        let core = Core::new(store, Arc::clone(&all_links), Authority::new(tokens_for, policies));
        let core = Arc::new(core.with_most_jobs(config.most_jobs));
        let listener = |name, socket, side| {
            let tls = tls::server(side, Arc::clone(&certificate))?;
            Ok::<_, HubError>(Listener { name, socket, tls })
        };
        let http = listener("REST", http.0, tls::Side::Rest)?;
        let mqtt = listener("MQTT", mqtt.0, tls::Side::Mqtt)?;
        Ok(Self { core, links, http, mqtt, addresses, hostname, ca, lock, all_links })
    }

    /// Where it listens; never port 0.
    pub const fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// What stands for `HostName` in connection strings, e.g. `localhost:8443`.
    pub const fn hostname(&self) -> &HostName {
        &self.hostname
    }

    /// The certificate that clients have to trust; none when the certificate is from elsewhere.
    pub fn ca_pem_path(&self) -> Option<&Path> {
        self.ca.as_deref()
    }

    /// The connection string of a policy, for clients of the service API.
    ///
    /// # Errors
    /// When there is no such policy.
    pub fn service_connection_string(&self, policy: &str) -> Result<Secret, HubError> {
        offline::connection_string(self.core.authority().policies(), policy, self.hostname.clone())
    }

    /// The connection string of a device, which is made first if it is not there and `create` says so.
    ///
    /// # Errors
    /// When there is no such device, or it has no key and no certificate of its own.
    pub async fn device_connection_string(&self, id: &DeviceId, create: bool) -> Result<Secret, HubError> {
        let identity = match self.core.identity(id).await {
            Err(failure) if create && failure.code == ErrorCode::DeviceNotFound => {
                let body = DeviceIdentity { device_id: id.to_string(), ..DeviceIdentity::default() };
                self.core.put_identity(id, body, None).await
            }
            read => read,
        };
        let identity = identity.map_err(HubError::device(id))?;
        let credential = credential(id, identity)?;
        let device_id = id.to_string();
        let host = self.hostname.clone();
        Ok(DeviceConnection { host, gateway: None, device_id, module_id: None, credential }.to_connection_string())
    }

    /// Serves until `stop` is requested, answers what is in flight, and closes the store.
    pub async fn run(self, stop: Stop) {
        let Self { core, links, http, mqtt, addresses, hostname, lock, all_links, .. } = self;
        info!(http = %addresses.http, mqtt = %addresses.mqtt, %hostname, "the hub is open");
        let writes = TaskTracker::new();
        let mut group = Group::new(stop.child());
        let rest = api::Server::new(api::router(&Api::new(Arc::clone(&core), writes.clone())));
        group.spawn("rest", serve_rest(http, rest, group.stop().clone()));
        group.spawn("configurations", ConfigurationEngine::new(Arc::clone(&core)).run(group.stop().clone()));
        let devices = Arc::new(mqtt::Server::new(Arc::clone(&core), links, mqtt::Limits::default()));
        group.spawn("mqtt", serve_mqtt(mqtt, devices, group.stop().clone()));
        if let Some(cluster) = all_links.cluster() {
            group.spawn("cluster", Arc::clone(cluster).run(group.stop().clone()));
        }
        drop(all_links);
        group.spawn("jobs", Arc::clone(&core).run_jobs(group.stop().clone()));
        group.join().await;
        writes.close();
        writes.wait().await;
        close(core).await;
        drop(lock);
        info!("the hub is closed");
    }
}

async fn serve_rest(listener: Listener, server: api::Server, stop: Stop) {
    let inner = stop.clone();
    listener.run(stop, move |stream, peer| server.clone().serve(stream, peer, inner.clone())).await;
}

async fn serve_mqtt(listener: Listener, server: Arc<mqtt::Server<HubCore>>, stop: Stop) {
    let inner = stop.clone();
    let serve = move |stream: tokio_rustls::server::TlsStream<tokio::net::TcpStream>, peer: SocketAddr| {
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let certificate = shown.map(|certificate| Box::<[u8]>::from(certificate.as_ref()));
        Arc::clone(&server).serve_link(stream, certificate, peer, inner.clone())
    };
    listener.run(stop, serve).await;
}

/// Writes what nobody waited for.
async fn close(core: Arc<HubCore>) {
    let Some(core) = Arc::into_inner(core) else {
        return warn!("somebody still uses the store; it closes when they are done");
    };
    core.into_store().close().await;
}

async fn bind(what: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), HubError> {
    let fail = |cause| HubError::Listen { what, address, cause };
    let socket = TcpListener::bind(address).await.map_err(fail)?;
    let bound = socket.local_addr().map_err(fail)?;
    Ok((socket, bound))
}

async fn lock_state(folder: PathBuf) -> Result<DirectoryLock, HubError> {
    let path = folder.clone();
    let open = move || {
        make_folder(&folder).map_err(|cause| HubError::state(&folder, cause))?;
        DirectoryLock::take(&folder).map_err(|cause| HubError::state(&folder, cause))
    };
    spawn_blocking(open).await.map_err(|cause| HubError::state(&path, cause))?
}

/// The store, and its address if it is a shared one: the one that was given, or the one that the folder remembers, lest
/// a hub that was started without it serves an empty fleet.
async fn open_store(config: &Config) -> Result<(AnyStore, Option<Secret>), HubError> {
    let folder = config.state.clone();
    let remembered = Memory::of(&folder).map_err(|cause| HubError::state(&folder, cause))?;
    if let Some(address) = config.store.clone().or(remembered.map(|memory| memory.store)) {
        let store = PostgresStore::open(Address::parse(address.reveal())?).await?;
        return Ok((AnyStore::Shared(Arc::new(store)), Some(address)));
    }
    let opened = spawn_blocking(move || SqliteStore::open(&folder)).await;
    let store = opened.map_err(|cause| HubError::state(&config.state, cause))??;
    Ok((AnyStore::Embedded(store), None))
}

async fn all_links(links: &Arc<LinkTable>, store: &AnyStore, hostname: &HostName) -> Result<AnyLinks, HubError> {
    Ok(match store {
        AnyStore::Embedded(_) => AnyLinks::Alone(Arc::clone(links)),
        AnyStore::Shared(store) => {
            AnyLinks::Together(Cluster::join(Arc::clone(links), Arc::clone(store), hostname.to_string()).await?)
        }
    })
}

/// Hubs over one store have one authority, so that one file fits all of them: that of whichever started first.
async fn share_authority(store: &AnyStore, config: &Config) -> Result<(), HubError> {
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

async fn policies(store: &AnyStore) -> Result<Policies, HubError> {
    if let Some(text) = store.setting(POLICIES).await? {
        return Ok(Policies::parse(&text)?);
    }
    let text = store.settle(POLICIES, &Policies::generate()?.text()?).await?;
    Ok(Policies::parse(&text)?)
}

/// For commands that are not this process.
async fn remember(
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
    set(store, HOSTNAME, hostname.to_string()).await?;
    set(store, HTTP_ADDRESS, addresses.http.to_string()).await?;
    set(store, MQTT_ADDRESS, addresses.mqtt.to_string()).await
}

async fn set(store: &AnyStore, name: &str, value: String) -> Result<(), HubError> {
    match store.write(vec![Change::Setting { name: name.to_owned(), value }]).await? {
        Outcome::Written => Ok(()),
        Outcome::Conflict => Err(HubError::Store("a setting was not written".into())),
    }
}

fn certificate(
    config: &Config,
    names: Vec<String>,
) -> Result<(Arc<dyn ResolvesServerCert>, Option<PathBuf>), HubError> {
    if let Some(files) = &config.certificate {
        return Ok((tls::given(&files.chain, &files.key)?, None));
    }
    let authority = tls::CertificateAuthority::of(&config.state)?;
    Ok((Arc::new(tls::Issued::new(authority, names)?), Some(config.state.join(tls::CA_FILE))))
}

fn credential(id: &DeviceId, identity: DeviceIdentity) -> Result<DeviceCredential, HubError> {
    let authentication = identity.authentication.unwrap_or_default();
    if authentication.kind != AuthenticationType::Sas {
        return Ok(DeviceCredential::X509);
    }
    let fail = |cause: Box<dyn std::error::Error + Send + Sync>| HubError::Device { id: id.clone(), cause };
    let keys = authentication.symmetric_key.keys().map_err(|cause| fail(cause.into()))?;
    keys.map(|(primary, _)| DeviceCredential::Key(primary)).ok_or_else(|| fail("it has no key".into()))
}
