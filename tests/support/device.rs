//! A device's side of a link, and what it trusts and shows when it connects.

use std::{path::Path, sync::Arc, time::Duration};

use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, Incoming, MqttOptions, QoS, TlsConfiguration, Transport,
};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, client::WantsClientCert};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use tokio::time::timeout;
use twinops::iothub::{HostName, Key, sign};

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
/// An expiry that no test sees, in seconds since 1970.
pub(crate) const FOREVER: u64 = 4_000_000_000;

/// A client that trusts an authority alone.
pub(crate) fn client(ca_pem: &Path) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca_pem).unwrap()).unwrap();
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
}

/// What a device, or a module `device/module`, connects with to a port of localhost: its own key.
pub(crate) fn options(host: &HostName, port: u16, tls: &ClientConfig, id: &str, key: &Key) -> MqttOptions {
    let mut options = MqttOptions::new(id, "localhost", port);
    let token = sign(&format!("{host}/devices/{}", id.replace('/', "/modules/")), key, FOREVER, None);
    options.set_credentials(format!("{host}/{id}/?api-version=2021-04-12"), token);
    options.set_transport(Transport::Tls(TlsConfiguration::Rustls(Arc::new(tls.clone()))));
    options.set_max_packet_size(1 << 20, 1 << 20);
    options
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

    /// Borrows nothing while it waits, because the other half of the link cannot be shared by threads.
    pub(crate) fn publish(&self, topic: &str, body: &str) -> impl Future<Output = ()> + use<> {
        let (client, topic, body) = (self.client.clone(), topic.to_owned(), body.to_owned());
        async move { client.publish(topic, QoS::AtLeastOnce, false, body).await.unwrap() }
    }
}
