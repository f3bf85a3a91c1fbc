//! A hub that runs in the test's process, with a REST client and MQTT clients of the kind that devices have.

mod device;

pub(crate) use device::{Device, FOREVER, PATIENCE, client};
use reqwest::{Method, StatusCode};
use rumqttc::MqttOptions;
use rustls::ClientConfig;
use serde_json::Value;
use tokio::{task::JoinHandle, time::timeout};
use twinops::{
    hub::{Config, Hub},
    iothub::{Key, ServiceConnection, ServiceCredential, sign},
    task::Stop,
};

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
        let mut options = device::options(&self.service.host, self.mqtt_port, &self.tls, id, key);
        options.set_clean_session(false);
        options
    }
}
