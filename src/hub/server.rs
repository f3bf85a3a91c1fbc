//! A hub from start to end.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustls::server::ResolvesServerCert;
use tokio::net::{TcpListener, TcpStream};
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
    listen::{Door, Listener, TlsListener},
    meter::Meter,
    mqtt::{self, LinkTable},
    offline, opening,
    ports::PeerCertificates,
    sockets::{Bound, Sockets},
    store::{AnyStore, DirectoryLock},
    tls, web,
};
use crate::{
    iothub::{AuthenticationType, DeviceConnection, DeviceCredential, DeviceIdentity, ErrorCode, HostName, Secret},
    task::{Group, PATIENCE, Stop},
    twin::DeviceId,
};

/// The core over whichever store there is.
pub(super) type HubCore = Core<AnyStore, AnyLinks>;

/// A hub that listens. Nothing is answered until [`Hub::run`].
#[derive(Debug)]
pub struct Hub {
    pub(super) core: Arc<HubCore>,
    links: Arc<LinkTable>,
    http: TlsListener,
    mqtt: TlsListener,
    plain: Option<Bound>,
    metrics: Option<Bound>,
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
    /// Opens the state folder, or makes it with keys and certificates of its own, and takes all addresses.
    ///
    /// # Errors
    /// When the folder cannot be used or another hub uses it, an address is taken, or a name or certificate is bad.
    pub async fn open(config: Config) -> Result<Self, HubError> {
        let meter = Meter::new();
        let lock = opening::lock_state(config.state.clone()).await?;
        let (store, address) = opening::open_store(&config, Arc::clone(&meter)).await?;
        let sockets = Sockets::bind(&config).await?;
        let addresses = sockets.addresses();
        let hostname = name(&config.host(addresses.http.port()))?;
        opening::remember(&store, &config.state, address, &hostname, addresses).await?;
        opening::share_authority(&store, &config).await?;
        let (certificate, ca) = certificate(&config)?;
        let links = Arc::new(LinkTable::new());
        let all_links = Arc::new(opening::all_links(&links, &store, &hostname).await?);
        let issuer = config.oidc.clone().map(issuer).transpose()?;
        let authority = authority(&config, &store, issuer.clone()).await?;
        let id_scope = opening::id_scope(&store).await?;
        let core = Core::new(store, Arc::clone(&all_links), authority)
            .with_most_jobs(config.most_jobs)
            .observed(Arc::clone(&meter), outlet(&config, &hostname, &meter)?)
            .with_provisioning(id_scope, assigned_hub(&config, &hostname)?);
        let guard = Arc::new(Guard::new(&config.limits));
        let listeners = Listeners { certificate, patience: config.drain + PATIENCE, meter, guard: Arc::clone(&guard) };
        Ok(Self {
            core: Arc::new(core),
            links,
            http: listeners.rest(sockets.http.0)?,
            mqtt: listeners.mqtt(sockets.mqtt.0)?,
            plain: sockets.plain,
            metrics: sockets.metrics,
            drain: config.drain,
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
            group.spawn("metrics", web::serve(socket, api::open_router(&api), None, web::FEW, group.stop().clone()));
        }
        let rest = api::Server::new(api::router(&api)).with_devices(move |stream, certificates, peer, stop| {
            Arc::clone(&upgraded).serve_link(stream, certificates, peer, stop)
        });
        drop(api);
        group.spawn("rest", serve_rest(http, rest, group.stop().clone()));
        group.spawn("configurations", ConfigurationEngine::new(Arc::clone(&core)).run(group.stop().clone()));
        let plain = plain.map(|(socket, _)| mqtt.listener.beside("plain MQTT", socket));
        group.spawn("mqtt", serve_mqtt(mqtt, Arc::clone(&devices), group.stop().clone()));
        if let Some(cluster) = all_links.cluster() {
            group.spawn("cluster", Arc::clone(cluster).run(group.stop().clone()));
        }
        drop(all_links);
        group.spawn("jobs", Arc::clone(&core).run_jobs(group.stop().clone()));
        group.spawn("messages", expire_messages(Arc::clone(&core), group.stop().clone()));
        // What holds the core must not outlive the tasks, or the store is not closed in good order.
        match plain {
            Some(plain) => group.spawn("mqtt-plain", serve_plain(plain, devices, group.stop().clone())),
            None => drop(devices),
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

async fn serve_rest(listener: TlsListener, server: api::Server, stop: Stop) {
    let inner = stop.clone();
    let serve = move |stream: tls::Stream<TcpStream>, peer: SocketAddr| {
        let certificates = PeerCertificates::of(stream.certificates());
        server.clone().serve(stream, certificates, peer, inner.clone())
    };
    listener.run(stop, serve).await;
}

fn outlet(config: &Config, hostname: &HostName, meter: &Arc<Meter>) -> Result<Outlet, HubError> {
    let open = |events| Outlet::open(events, hostname.name(), Arc::clone(meter)).map_err(HubError::Events);
    config.events.as_ref().map_or_else(|| Ok(Outlet::default()), open)
}

type MqttServer = mqtt::Server<HubCore>;

async fn serve_mqtt(listener: TlsListener, server: Arc<MqttServer>, stop: Stop) {
    let inner = stop.clone();
    let serve = move |stream: tls::Stream<TcpStream>, peer: SocketAddr| {
        let certificates = PeerCertificates::of(stream.certificates());
        Arc::clone(&server).serve_link(stream, certificates, peer, inner.clone())
    };
    listener.run(stop, serve).await;
}

/// For a proxy on this machine, which ends TLS; what certificates it was shown, this hub does not learn.
async fn serve_plain(listener: Listener, server: Arc<MqttServer>, stop: Stop) {
    let inner = stop.clone();
    let serve =
        move |stream, peer| Arc::clone(&server).serve_link(stream, PeerCertificates::default(), peer, inner.clone());
    listener.run(stop, serve).await;
}

/// Notes what is heard of devices until the hub is told to stop, and says then that it is about to close.
async fn watch(core: Arc<HubCore>, stop: Stop) {
    tokio::join!(core.watch_activity(&stop), core.watch_authorities(&stop));
    core.close_doors();
}

async fn expire_messages(core: Arc<HubCore>, stop: Stop) {
    core.expire_messages(&stop).await;
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

/// What both listeners of TLS have in common.
struct Listeners {
    certificate: Arc<dyn ResolvesServerCert>,
    patience: Duration,
    meter: Arc<Meter>,
    guard: Arc<Guard>,
}

impl Listeners {
    fn rest(&self, socket: TcpListener) -> Result<TlsListener, HubError> {
        self.listener("REST", "rest", tls::Side::Rest, socket, self.guard.connections())
    }

    /// Leaves an eighth of the connections to the other side, so that devices never lock operators out.
    fn mqtt(&self, socket: TcpListener) -> Result<TlsListener, HubError> {
        let most = self.guard.connections();
        self.listener("MQTT", "mqtt", tls::Side::Mqtt, socket, most - most / 8)
    }

    fn listener(
        &self,
        name: &'static str,
        counted_as: &'static str,
        side: tls::Side,
        socket: TcpListener,
        most: usize,
    ) -> Result<TlsListener, HubError> {
        let tls = tls::server(side, Arc::clone(&self.certificate))?;
        let (meter, guard) = (Arc::clone(&self.meter), Arc::clone(&self.guard));
        let door = Arc::new(Door { side: counted_as, meter, guard, most });
        Ok(TlsListener { listener: Listener { name, socket, patience: self.patience, door }, tls })
    }
}

fn name(text: &str) -> Result<HostName, HubError> {
    HostName::parse(text).map_err(|error| HubError::Name(error.into()))
}

/// What devices that register are told: a host without a port, for they know the ports.
fn assigned_hub(config: &Config, hostname: &HostName) -> Result<String, HubError> {
    let Some(given) = &config.assigned_hub else { return Ok(hostname.name().to_owned()) };
    let parsed = name(given)?;
    if parsed.name() != given {
        let message = format!("devices cannot be told `{given}`: they know the ports, name the host alone");
        return Err(HubError::Name(message.into()));
    }
    Ok(given.clone())
}

async fn authority(config: &Config, store: &AnyStore, issuer: Option<Arc<Issuer>>) -> Result<Authority, HubError> {
    let names = config.all_names();
    let tokens_for = names.iter().map(|one| name(&bracketed(one))).collect::<Result<_, _>>()?;
    Ok(Authority::new(tokens_for, opening::policies(store).await?).with_issuer(issuer))
}

fn certificate(config: &Config) -> Result<(Arc<dyn ResolvesServerCert>, Option<PathBuf>), HubError> {
    if let Some(files) = &config.certificate {
        return Ok((tls::given(&files.chain, &files.key)?, None));
    }
    let authority = tls::CertificateAuthority::of(&config.state)?;
    Ok((Arc::new(tls::Issued::new(authority, config.all_names())?), Some(config.state.join(tls::CA_FILE))))
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
