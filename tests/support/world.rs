//! A hub that runs in the test's process, with a REST client and MQTT clients of the kind that devices have.

use std::{path::Path, sync::Arc, time::Duration};

use reqwest::{Method, StatusCode};
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, Incoming, MqttOptions, QoS, TlsConfiguration, Transport,
};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, client::WantsClientCert};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::Value;
use tokio::{task::JoinHandle, time::timeout};
use twinops::{
    hub::{Config, Hub},
    iothub::{Key, ServiceConnection, ServiceCredential, sign},
    task::Stop,
};

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// An expiry that no test sees, in seconds since 1970.
pub(crate) const FOREVER: u64 = 4_000_000_000;

/// A hub that runs, and its service client.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) tls: ClientConfig,
    pub(crate) service: ServiceConnection,
    pub(crate) mqtt_port: u16,
    pub(crate) http: reqwest::Client,
    stop: Stop,
    running: JoinHandle<()>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    headers: reqwest::header::HeaderMap,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A client that trusts an authority alone.
pub(crate) fn client(ca_pem: &Path) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca_pem).unwrap()).unwrap();
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
}

impl World {
    /// A hub, and the folder that goes with it.
    pub(crate) async fn open(folder: tempfile::TempDir, config: Config) -> Self {
        let hub = Hub::open(config).await.unwrap();
        let service = hub.service_connection_string("iothubowner").unwrap();
        let service = ServiceConnection::parse(service.reveal()).unwrap();
        let mqtt_port = hub.addresses().mqtt.port();
        let tls = client(hub.ca_pem_path().unwrap()).with_no_client_auth();
        let http = reqwest::Client::builder().tls_backend_preconfigured(tls.clone()).no_proxy().build().unwrap();
        let stop = Stop::new();
        let running = tokio::spawn(hub.run(stop.clone()));
        Self { folder, tls, service, mqtt_port, http, stop, running }
    }

    /// Stops the hub; what is left of it.
    pub(crate) async fn end(self) -> tempfile::TempDir {
        self.stop.request();
        timeout(PATIENCE, self.running).await.unwrap().unwrap();
        self.folder
    }

    /// Asks as the owner of the hub.
    pub(crate) async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let ServiceCredential::Key { policy, key } = &self.service.credential else { panic!("a key") };
        let host = &self.service.host;
        let token = sign(&host.to_string(), key, FOREVER, Some(policy));
        let uri = format!("https://{host}{path}?api-version=2021-04-12");
        let mut request = self.http.request(method, uri).header("authorization", token).timeout(PATIENCE);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        Answer { status, body: serde_json::from_str(&text).unwrap_or_default(), headers }
    }

    /// What a device, or a module `device/module`, connects with: its own key, and a session that is kept.
    pub(crate) fn options(&self, id: &str, key: &Key) -> MqttOptions {
        let (host, path) = (&self.service.host, id.replace('/', "/modules/"));
        let mut options = MqttOptions::new(id, "localhost", self.mqtt_port);
        let token = sign(&format!("{host}/devices/{path}"), key, FOREVER, None);
        options.set_credentials(format!("{host}/{id}/?api-version=2021-04-12"), token);
        options.set_transport(Transport::Tls(TlsConfiguration::Rustls(Arc::new(self.tls.clone()))));
        options.set_clean_session(false).set_max_packet_size(1 << 20, 1 << 20);
        options
    }
}

/// A device's side of a link.
pub(crate) struct Device {
    pub(crate) client: AsyncClient,
    events: EventLoop,
}

impl Device {
    /// Dials with the first poll.
    pub(crate) fn new(options: MqttOptions) -> Self {
        let (client, events) = AsyncClient::new(options, 32);
        Self { client, events }
    }

    pub(crate) async fn poll(&mut self) -> Result<Event, ConnectionError> {
        timeout(PATIENCE, self.events.poll()).await.expect("something happens in time")
    }

    /// What is wanted of the first packet that has it.
    pub(crate) async fn next<T>(&mut self, wanted: impl Fn(Incoming) -> Option<T>) -> T {
        loop {
            if let Event::Incoming(packet) = self.poll().await.unwrap()
                && let Some(found) = wanted(packet)
            {
                return found;
            }
        }
    }

    pub(crate) async fn subscribe(&mut self, filter: &str) {
        self.client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        self.next(|packet| matches!(packet, Incoming::SubAck(_)).then_some(())).await;
    }

    pub(crate) async fn publish(&self, topic: &str, body: &str) {
        self.client.publish(topic, QoS::AtLeastOnce, false, body).await.unwrap();
    }
}
