//! A hub from start to end.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustls::server::ResolvesServerCert;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::{
    api::{self, Api},
    auth::{Authority, Issuer, OidcConfig},
    cluster::AnyLinks,
    config::{Addresses, Config, bracketed},
    core::{ConfigurationEngine, Core},
    error::HubError,
    events::Outlet,
    guard::Guard,
    listen::{self, Listener},
    meter::Meter,
    mqtt::{self, LinkTable},
    offline, opening, plain,
    ports::PeerCertificates,
    store::{AnyStore, DirectoryLock},
    tls,
};
use crate::{
    iothub::{AuthenticationType, DeviceConnection, DeviceCredential, DeviceIdentity, ErrorCode, HostName, Secret},
    task::{Group, PATIENCE, Stop},
    twin::DeviceId,
};

/// The core over whichever store there is.
type HubCore = Core<AnyStore, AnyLinks>;

/// A hub that listens. Nothing is answered until [`Hub::run`].
#[derive(Debug)]
pub struct Hub {
    core: Arc<HubCore>,
    links: Arc<LinkTable>,
    http: Listener,
    mqtt: Listener,
    plain: Option<(TcpListener, SocketAddr)>,
    metrics: Option<(TcpListener, SocketAddr)>,
    drain: Duration,
    addresses: Addresses,
    hostname: HostName,
    ca: Option<PathBuf>,
    lock: DirectoryLock,
    all_links: Arc<AnyLinks>,
    issuer: Option<Arc<Issuer>>,
    guard: Arc<Guard>,
}

impl Hub {
    /// Opens the state folder, or makes it with keys and certificates of its own, and binds both addresses.
    ///
    /// # Errors
    /// When the folder cannot be used or another hub uses it, an address is taken, or a name or certificate is bad.
    pub async fn open(config: Config) -> Result<Self, HubError> {
        let meter = Meter::new();
        let lock = opening::lock_state(config.state.clone()).await?;
        let (store, address) = opening::open_store(&config, Arc::clone(&meter)).await?;
        let http = bind("REST", config.http).await?;
        let mqtt = bind("MQTT", config.mqtt).await?;
        let plain = bind_plain(config.mqtt_plain).await?;
        let addresses = Addresses { http: http.1, mqtt: mqtt.1 };
        let hostname = config.host(addresses.http.port());
        let hostname = HostName::parse(&hostname).map_err(|error| HubError::Name(error.into()))?;
        let policies = opening::policies(&store).await?;
        opening::remember(&store, &config.state, address, &hostname, addresses).await?;
        let names = config.all_names();
        let tokens_for = names.iter().map(|name| HostName::parse(&bracketed(name)));
        let tokens_for = tokens_for.collect::<Result<_, _>>().map_err(|error| HubError::Name(error.into()))?;
        opening::share_authority(&store, &config).await?;
        let (certificate, ca) = certificate(&config, names)?;
        let links = Arc::new(LinkTable::new());
        let id_scope = opening::id_scope(&store).await?;
        let assigned_hub = config.assigned_hub.clone().unwrap_or_else(|| hostname.name().to_owned());
        let issuer = config.oidc.clone().map(issuer).transpose()?;
        let authority = Authority::new(tokens_for, policies).with_issuer(issuer.clone());
        let all_links = Arc::new(opening::all_links(&links, &store, &hostname).await?);
        let core = Core::new(store, Arc::clone(&all_links), authority);
        let core = core.with_most_jobs(config.most_jobs);
        let core = core.observed(Arc::clone(&meter), outlet(&config, &hostname, &meter)?);
        let core = Arc::new(core.with_provisioning(id_scope, assigned_hub));
        let guard = Arc::new(Guard::new(&config.limits));
        let listener = |name, socket, side, most| {
            let tls = tls::server(side, Arc::clone(&certificate))?;
            Ok::<_, HubError>(Listener {
                name,
                socket,
                tls,
                patience: config.drain + PATIENCE,
                meter: Arc::clone(&meter),
                guard: Arc::clone(&guard),
                most,
            })
        };
        let most = guard.connections();
        let http = listener("REST", http.0, tls::Side::Rest, most)?;
        let mqtt = listener("MQTT", mqtt.0, tls::Side::Mqtt, most - most / 8)?;
        let metrics = match config.metrics {
            Some(address) => Some(bind("metrics", address).await?),
            None => None,
        };
        let drain = config.drain;
        Ok(Self {
            core,
            links,
            http,
            mqtt,
            plain,
            metrics,
            drain,
            addresses,
            hostname,
            ca,
            lock,
            all_links,
            issuer,
            guard,
        })
    }

    /// Where it listens; never port 0.
    pub const fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Where it listens for MQTT without TLS, if it does.
    pub fn plain_address(&self) -> Option<SocketAddr> {
        self.plain.as_ref().map(|(_, address)| *address)
    }

    /// Where it serves metrics to whoever asks, if it does.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|(_, address)| *address)
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
        let Self { core, links, http, mqtt, plain, metrics, drain, addresses, hostname, lock, .. } = self;
        let Self { all_links, issuer, guard, .. } = self;
        info!(http = %addresses.http, mqtt = %addresses.mqtt, %hostname, "the hub is open");
        let writes = TaskTracker::new();
        let mut group = Group::new(stop.child());
        let limits = mqtt::Limits { spread: drain, ..mqtt::Limits::default() };
        let meter = Arc::clone(core.meter());
        let devices =
            Arc::new(mqtt::Server::new(Arc::clone(&core), links, limits).counted(meter).guarded(Arc::clone(&guard)));
        let upgraded = Arc::clone(&devices);
        let api = Api::new(Arc::clone(&core), writes.clone()).guarded(guard);
        if let Some((socket, address)) = metrics {
            info!(%address, "metrics are served to whoever asks");
            let server = api::Server::new(api::open_router(&api));
            group.spawn("metrics", serve_metrics(socket, server, group.stop().clone()));
        }
        let rest = api::Server::new(api::router(&api)).with_devices(move |stream, certificates, peer, stop| {
            Arc::clone(&upgraded).serve_link(stream, certificates, peer, stop)
        });
        drop(api);
        group.spawn("rest", serve_rest(http, rest, group.stop().clone()));
        group.spawn("configurations", ConfigurationEngine::new(Arc::clone(&core)).run(group.stop().clone()));
        group.spawn("mqtt", serve_mqtt(mqtt, Arc::clone(&devices), group.stop().clone()));
        if let Some(cluster) = all_links.cluster() {
            group.spawn("cluster", Arc::clone(cluster).run(group.stop().clone()));
        }
        drop(all_links);
        group.spawn("jobs", Arc::clone(&core).run_jobs(group.stop().clone()));
        if let Some((socket, _)) = plain {
            group.spawn("mqtt-plain", serve_plain(socket, drain + PATIENCE, devices, group.stop().clone()));
        }
        if let Some(issuer) = issuer {
            group.spawn("oidc", issuer.keep_fresh(group.stop().clone()));
        }
        group.spawn("activity", watch(Arc::clone(&core), group.stop().clone()));
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
    let serve = move |stream: tokio_rustls::server::TlsStream<tokio::net::TcpStream>, peer: SocketAddr| {
        let certificates = PeerCertificates::of(stream.get_ref().1);
        server.clone().serve(stream, certificates, peer, inner.clone())
    };
    listener.run(stop, serve).await;
}

async fn serve_metrics(socket: TcpListener, server: api::Server, stop: Stop) {
    let inner = stop.clone();
    let serve = move |stream, peer| server.clone().serve(stream, PeerCertificates::default(), peer, inner.clone());
    plain::run(socket, stop, serve).await;
}

fn outlet(config: &Config, hostname: &HostName, meter: &Arc<Meter>) -> Result<Outlet, HubError> {
    let open = |events| Outlet::open(events, hostname.name(), Arc::clone(meter)).map_err(HubError::Events);
    config.events.as_ref().map_or_else(|| Ok(Outlet::default()), open)
}

type MqttServer = mqtt::Server<HubCore>;

async fn serve_mqtt(listener: Listener, server: Arc<MqttServer>, stop: Stop) {
    let inner = stop.clone();
    let serve = move |stream: tokio_rustls::server::TlsStream<tokio::net::TcpStream>, peer: SocketAddr| {
        let certificates = PeerCertificates::of(stream.get_ref().1);
        Arc::clone(&server).serve_link(stream, certificates, peer, inner.clone())
    };
    listener.run(stop, serve).await;
}

/// For a proxy on this machine, which ends TLS; what certificates it was shown, this hub does not learn.
async fn serve_plain(socket: TcpListener, patience: Duration, server: Arc<MqttServer>, stop: Stop) {
    let inner = stop.clone();
    let serve =
        move |stream, peer| Arc::clone(&server).serve_link(stream, PeerCertificates::default(), peer, inner.clone());
    listen::accept("plain MQTT", socket, patience, stop, serve).await;
}

/// Notes what is heard of devices until the hub is told to stop, and says then that it is about to close.
async fn watch(core: Arc<HubCore>, stop: Stop) {
    core.watch_activity(&stop).await;
    core.close_doors();
}

async fn bind_plain(address: Option<SocketAddr>) -> Result<Option<(TcpListener, SocketAddr)>, HubError> {
    match address {
        None => Ok(None),
        Some(address) if address.ip().is_loopback() => bind("plain MQTT", address).await.map(Some),
        Some(address) => Err(HubError::NotLoopback(address)),
    }
}

/// Writes what nobody waited for.
async fn close(core: Arc<HubCore>) {
    let Some(core) = Arc::into_inner(core) else {
        return warn!("somebody still uses the store; it closes when they are done");
    };
    core.into_store().close().await;
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
