//! The hub's REST API as ports: twins.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::value::RawValue;

use super::{
    answer,
    http::{Call, ClientError, Http, Reply, Setup, Verb},
    login::Login,
    token::Tokens,
};
use crate::{
    fleet::IdentitySpec,
    reconcile::ports::{HubError, Page, TwinRead, TwinText, TwinWrite},
    twin::DeviceId,
};

/// The version of the service API that we speak (protocol reference 2.2).
pub(super) const API_VERSION: &str = "api-version=2021-04-12";
/// What may stand in a path as it is.
pub(super) const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How to reach a hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// A file of certificates (PEM) to trust instead of the platform's: for a hub with an authority of its own.
    pub ca: Option<PathBuf>,
    /// How long a request may take. A hub under load delays answers before it refuses any: at least a minute.
    pub timeout: Duration,
    /// Who we say that we are.
    pub user_agent: String,
    /// Rows asked for in one page of a query; a hub may give fewer. 1 to 1000.
    pub page_size: u32,
    /// How long one page of a query is asked for again while the hub throttles or is in trouble.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ca: None,
            timeout: Duration::from_secs(90),
            user_agent: concat!("twinops/", env!("CARGO_PKG_VERSION")).to_owned(),
            page_size: 1000,
            patience: Duration::from_mins(5),
        }
    }
}

/// A hub: Azure IoT Hub, ours, or another that speaks its REST API. Share it; it holds the connections.
#[derive(Debug)]
pub struct HubClient {
    http: Http,
    pub(super) tokens: Tokens,
    pub(super) options: Options,
    /// Requests by the status of their answer; 0 for those without one.
    calls: Mutex<BTreeMap<u16, u64>>,
}

/// What a device answered to a direct method (protocol reference 7).
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
pub struct MethodAnswer {
    /// The device's own status.
    pub status: i64,
    /// The device's answer.
    #[serde(default)]
    pub payload: serde_json::Value,
}

impl HubClient {
    /// A client for a hub. Nothing is sent yet.
    ///
    /// # Errors
    /// When certificates cannot be read.
    pub fn connect(login: impl Into<Login>, options: Options) -> Result<Self, ClientError> {
        let login = login.into();
        let host = login.address();
        let local = matches!(host.name(), "localhost" | "127.0.0.1" | "[::1]");
        Self::new(&format!("https://{host}"), local, &login, options)
    }

    /// A client without TLS, for a hub on this machine only: benchmarks and tests.
    ///
    /// # Errors
    /// When the address is not this machine's own.
    pub fn connect_plain(address: SocketAddr, login: impl Into<Login>, options: Options) -> Result<Self, ClientError> {
        if !address.ip().is_loopback() {
            return Err(ClientError::NotLoopback(address));
        }
        Self::new(&format!("http://{address}"), true, &login.into(), options)
    }

    fn new(base: &str, direct: bool, login: &Login, options: Options) -> Result<Self, ClientError> {
        let setup =
            Setup { ca: options.ca.as_deref(), timeout: options.timeout, user_agent: &options.user_agent, direct };
        Ok(Self { http: Http::new(base, &setup)?, tokens: Tokens::new(login)?, options, calls: Mutex::default() })
    }

    pub(super) async fn send(&self, call: Call<'_>) -> Result<Reply, HubError> {
        let authorization = self.tokens.current().await?;
        let reply = self.http.send(call, &authorization).await;
        let status = reply.as_ref().map_or(0, |reply| reply.status);
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner).entry(status).or_default() += 1;
        reply
    }

    /// The requests so far, by the status of their answer; 0 for those without one.
    pub fn calls(&self) -> BTreeMap<u16, u64> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl TwinRead for HubClient {
    async fn twin(&self, device: &DeviceId) -> Result<Option<TwinText>, HubError> {
        let reply = self.send(call(Verb::Get, path("twins", device, "")?)).await?;
        match answer::body(reply) {
            Ok(text) => Ok(Some(TwinText(text))),
            Err(HubError::NoDevice) => Ok(None),
            Err(other) => Err(other),
        }
    }

    fn twins(&self, statement: &str) -> impl Stream<Item = Result<Page, HubError>> + Send {
        self.query(statement).map(|page| page.map(|rows| rows.page))
    }
}

impl TwinWrite for HubClient {
    async fn patch(&self, device: &DeviceId, etag: &str, patch: &RawValue) -> Result<TwinText, HubError> {
        let body = Some(Bytes::copy_from_slice(patch.get().as_bytes()));
        let call = Call { if_match: Some(etag), body, ..call(Verb::Patch, path("twins", device, "")?) };
        answer::body(self.send(call).await?).map(TwinText)
    }

    async fn register(&self, device: &DeviceId, identity: &IdentitySpec) -> Result<(), HubError> {
        self.create(device, identity).await.map(drop)
    }
}

/// A request without anything special.
pub(super) fn call<'a>(verb: Verb, path: String) -> Call<'a> {
    Call { verb, path, if_match: None, page: None, body: None, timeout: None }
}

/// `/twins/{id}{rest}?api-version=…`. Two ids that the rules for ids allow mean folders in a URL, and would lead
/// elsewhere.
pub(super) fn path(collection: &str, device: &DeviceId, rest: &str) -> Result<String, HubError> {
    if matches!(device.as_str(), "." | "..") {
        let message = format!("a device called `{device}` cannot be addressed over HTTP");
        return Err(HubError::Refused { status: 400, message });
    }
    let id = Cow::from(utf8_percent_encode(device.as_str(), SEGMENT));
    Ok(format!("/{collection}/{id}{rest}?{API_VERSION}"))
}
