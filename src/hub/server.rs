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
    auth::{Authority, Issuer, OidcConfig, POLICIES, Policies},
    config::{Addresses, Config, bracketed},
    core::Core,
    error::HubError,
    guard::Guard,
    listen::Listener,
    mqtt::{self, LinkTable},
    offline::{self, HOSTNAME, HTTP_ADDRESS, MQTT_ADDRESS},
    ports::PeerCertificates,
    store::{Change, DirectoryLock, Outcome, SqliteStore, Store as _},
    tls,
};
use crate::{
    iothub::{AuthenticationType, DeviceConnection, DeviceCredential, DeviceIdentity, ErrorCode, HostName, Secret},
    task::{Group, Stop},
    twin::DeviceId,
};

/// A hub that listens. Nothing is answered until [`Hub::run`].
#[derive(Debug)]
pub struct Hub {
    core: Arc<Core<SqliteStore, LinkTable>>,
    links: Arc<LinkTable>,
    http: Listener,
    mqtt: Listener,
    addresses: Addresses,
    hostname: HostName,
    ca: Option<PathBuf>,
    lock: DirectoryLock,
    issuer: Option<Arc<Issuer>>,
    guard: Arc<Guard>,
}

impl Hub {
    /// Opens the state folder, or makes it with keys and certificates of its own, and binds both addresses.
    ///
    /// # Errors
    /// When the folder cannot be used or another hub uses it, an address is taken, or a name or certificate is bad.
    pub async fn open(config: Config) -> Result<Self, HubError> {
        let (store, lock) = open_state(config.state.clone()).await?;
        let http = bind("REST", config.http).await?;
        let mqtt = bind("MQTT", config.mqtt).await?;
        let addresses = Addresses { http: http.1, mqtt: mqtt.1 };
        let hostname = config.host(addresses.http.port());
        let hostname = HostName::parse(&hostname).map_err(|error| HubError::Name(error.into()))?;
        let policies = policies(&store).await?;
        remember(&store, &hostname, addresses).await?;
        let names = config.all_names();
        let tokens_for = names.iter().map(|name| HostName::parse(&bracketed(name)));
        let tokens_for = tokens_for.collect::<Result<_, _>>().map_err(|error| HubError::Name(error.into()))?;
        let (certificate, ca) = certificate(&config, names)?;
        let links = Arc::new(LinkTable::new());
        let issuer = config.oidc.clone().map(issuer).transpose()?;
        let authority = Authority::new(tokens_for, policies).with_issuer(issuer.clone());
        let core = Arc::new(Core::new(store, Arc::clone(&links), authority));
        let guard = Arc::new(Guard::new(&config.limits));
        let listener = |name, socket, side, most| {
            let tls = tls::server(side, Arc::clone(&certificate))?;
            Ok::<_, HubError>(Listener { name, socket, tls, guard: Arc::clone(&guard), most })
        };
        let most = guard.connections();
        let http = listener("REST", http.0, tls::Side::Rest, most)?;
        let mqtt = listener("MQTT", mqtt.0, tls::Side::Mqtt, most - most / 8)?;
        Ok(Self { core, links, http, mqtt, addresses, hostname, ca, lock, issuer, guard })
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
        let Self { core, links, http, mqtt, addresses, hostname, lock, issuer, guard, ca: _ } = self;
        info!(http = %addresses.http, mqtt = %addresses.mqtt, %hostname, "the hub is open");
        let writes = TaskTracker::new();
        let mut group = Group::new(stop.child());
        let rest =
            api::Server::new(api::router(&Api::new(Arc::clone(&core), writes.clone()).guarded(Arc::clone(&guard))));
        group.spawn("rest", serve_rest(http, rest, group.stop().clone()));
        let devices = Arc::new(mqtt::Server::new(Arc::clone(&core), links, mqtt::Limits::default()).guarded(guard));
        group.spawn("mqtt", serve_mqtt(mqtt, devices, group.stop().clone()));
        if let Some(issuer) = issuer {
            group.spawn("oidc", issuer.keep_fresh(group.stop().clone()));
        }
        group.join().await;
        writes.close();
        writes.wait().await;
        close(core, lock).await;
        info!("the hub is closed");
    }
}

async fn serve_rest(listener: Listener, server: api::Server, stop: Stop) {
    let inner = stop.clone();
    let serve = move |stream: tokio_rustls::server::TlsStream<tokio::net::TcpStream>, peer: SocketAddr| {
        let certificates = PeerCertificates::of(stream.get_ref().1);
        server.clone().serve(stream, certificates, peer, inner.clone())
    };
    listener.run(stop, serve).await;
}

async fn serve_mqtt(listener: Listener, server: Arc<mqtt::Server<Core<SqliteStore, LinkTable>>>, stop: Stop) {
    let inner = stop.clone();
    let serve = move |stream: tokio_rustls::server::TlsStream<tokio::net::TcpStream>, peer: SocketAddr| {
        let certificates = PeerCertificates::of(stream.get_ref().1);
        Arc::clone(&server).serve_link(stream, certificates, peer, inner.clone())
    };
    listener.run(stop, serve).await;
}

/// The store's last commit and checkpoint take a while, and are not for a thread that serves others.
async fn close(core: Arc<Core<SqliteStore, LinkTable>>, lock: DirectoryLock) {
    let Some(core) = Arc::into_inner(core) else {
        return warn!("somebody still uses the store; it closes when they are done");
    };
    if let Err(error) = spawn_blocking(move || drop((core, lock))).await {
        warn!(%error, "the store was not closed in good order");
    }
}

fn issuer(config: OidcConfig) -> Result<Arc<Issuer>, HubError> {
    let name = config.issuer.clone();
    Issuer::new(config).map(Arc::new).map_err(|cause| HubError::Oidc { issuer: name, cause: cause.into() })
}

async fn bind(what: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), HubError> {
    let fail = |cause| HubError::Listen { what, address, cause };
    let socket = TcpListener::bind(address).await.map_err(fail)?;
    let bound = socket.local_addr().map_err(fail)?;
    Ok((socket, bound))
}

async fn open_state(folder: PathBuf) -> Result<(SqliteStore, DirectoryLock), HubError> {
    let path = folder.clone();
    let open = move || {
        make_folder(&folder).map_err(|cause| HubError::state(&folder, cause))?;
        let lock = DirectoryLock::take(&folder).map_err(|cause| HubError::state(&folder, cause))?;
        Ok((SqliteStore::open(&folder)?, lock))
    };
    spawn_blocking(open).await.map_err(|cause| HubError::state(&path, cause))?
}

/// It holds keys: nobody but its owner looks inside.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

async fn policies(store: &SqliteStore) -> Result<Policies, HubError> {
    if let Some(text) = store.setting(POLICIES).await? {
        return Ok(Policies::parse(&text)?);
    }
    let policies = Policies::generate()?;
    set(store, POLICIES, policies.text()?).await?;
    Ok(policies)
}

/// For commands that are not this process.
async fn remember(store: &SqliteStore, hostname: &HostName, addresses: Addresses) -> Result<(), HubError> {
    set(store, HOSTNAME, hostname.to_string()).await?;
    set(store, HTTP_ADDRESS, addresses.http.to_string()).await?;
    set(store, MQTT_ADDRESS, addresses.mqtt.to_string()).await
}

async fn set(store: &SqliteStore, name: &str, value: String) -> Result<(), HubError> {
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
