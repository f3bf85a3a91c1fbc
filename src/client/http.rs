//! HTTP: connections, TLS, and requests to a hub as they go out.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use reqwest::{
    Certificate, Client, Request, Response, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH, RETRY_AFTER},
    redirect,
};

use crate::reconcile::ports::HubError;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const MAX_ITEM_COUNT: HeaderName = HeaderName::from_static("x-ms-max-item-count");
const CONTINUATION: HeaderName = HeaderName::from_static("x-ms-continuation");
const ITEM_TYPE: HeaderName = HeaderName::from_static("x-ms-item-type");
const ERROR_CODE: HeaderName = HeaderName::from_static("iothub-errorcode");
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(15);

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The file with certificates cannot be read.
    #[error("cannot read the certificates in {}", path.display())]
    Ca {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The file holds no certificate.
    #[error("{} holds no certificate in PEM form (`-----BEGIN CERTIFICATE-----`)", .0.display())]
    NoCertificate(PathBuf),
    /// Without TLS only this machine itself may be spoken to.
    #[error("{0} is not this machine; a hub elsewhere is reached over TLS only")]
    NotLoopback(SocketAddr),
    /// The name of the hub makes no address.
    #[error("`{0}` makes no address")]
    Address(String),
    /// TLS or name resolution cannot be set up.
    #[error("setting up TLS failed; is a list of certification authorities installed (package ca-certificates)?")]
    Setup(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What a connection is made with.
pub(super) struct Setup<'a> {
    pub(super) ca: Option<&'a Path>,
    pub(super) timeout: Duration,
    pub(super) user_agent: &'a str,
    /// Never through a proxy.
    pub(super) direct: bool,
}

/// Methods of the REST API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Put,
    Patch,
    Post,
    Delete,
}

/// One request. `path` has its ids encoded and its query string.
pub(super) struct Call<'a> {
    pub(super) verb: Verb,
    pub(super) path: String,
    /// A bare etag, or `*`.
    pub(super) if_match: Option<&'a str>,
    pub(super) page: Option<PageCall<'a>>,
    pub(super) body: Option<Bytes>,
    /// Another time-out than usual.
    pub(super) timeout: Option<Duration>,
}

/// Which page of a query.
#[derive(Clone, Copy)]
pub(super) struct PageCall<'a> {
    pub(super) size: u32,
    pub(super) continuation: Option<&'a str>,
}

/// An answer, body complete.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) error_code: Option<String>,
    pub(super) retry_after: Option<Duration>,
    pub(super) item_type: Option<String>,
    pub(super) continuation: Option<String>,
    pub(super) body: Bytes,
}

/// Connections to one hub.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    base: Url,
}

/// A header's value that no log shows.
#[derive(Debug, Clone)]
pub(super) struct Authorization(HeaderValue);

impl Authorization {
    /// `None` when the text cannot stand in a header.
    pub(super) fn new(text: &str) -> Option<Self> {
        let mut value = HeaderValue::from_str(text).ok()?;
        value.set_sensitive(true);
        Some(Self(value))
    }

    /// For requests that are no calls of a hub.
    pub(super) fn into_value(self) -> HeaderValue {
        self.0
    }

    #[cfg(test)]
    pub(super) fn is(&self, text: &str) -> bool {
        self.0 == text
    }
}

impl Http {
    /// Connections to `base`. Many HTTP/1.1 connections rather than one of HTTP/2: requests are small and many, and
    /// do not wait for each other then.
    pub(super) fn new(base: &str, setup: &Setup<'_>) -> Result<Self, ClientError> {
        let base = Url::parse(base).map_err(|_| ClientError::Address(base.to_owned()))?;
        Ok(Self { client: client(setup)?, base })
    }

    /// Sends one request and reads its whole answer. No answer at all is the only error here.
    pub(super) async fn send(&self, call: Call<'_>, authorization: &Authorization) -> Result<Reply, HubError> {
        let request = self.request(call, authorization)?;
        let response = self.client.execute(request).await.map_err(unreachable)?;
        let head = Head::of(&response);
        let body = response.bytes().await.map_err(unreachable)?;
        Ok(head.with(body))
    }

    fn request(&self, call: Call<'_>, authorization: &Authorization) -> Result<Request, HubError> {
        let verb = match call.verb {
            Verb::Get => reqwest::Method::GET,
            Verb::Put => reqwest::Method::PUT,
            Verb::Patch => reqwest::Method::PATCH,
            Verb::Post => reqwest::Method::POST,
            Verb::Delete => reqwest::Method::DELETE,
        };
        let url = self.base.join(&call.path).map_err(|error| HubError::Answer(Box::new(error)))?;
        let mut request = Request::new(verb, url);
        *request.timeout_mut() = call.timeout;
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, authorization.0.clone());
        if let Some(etag) = call.if_match {
            headers.insert(IF_MATCH, value(&format!("\"{etag}\""))?);
        }
        if let Some(page) = call.page {
            headers.insert(MAX_ITEM_COUNT, HeaderValue::from(page.size));
            if let Some(token) = page.continuation {
                headers.insert(CONTINUATION, value(token)?);
            }
        }
        if let Some(body) = call.body {
            headers.insert(CONTENT_TYPE, JSON);
            *request.body_mut() = Some(body.into());
        }
        Ok(request)
    }
}

/// All of an answer that is known before its body.
fn client(setup: &Setup<'_>) -> Result<Client, ClientError> {
    // Fails when another part of the program has chosen already: then that choice stands.
    let _first_choice_stands = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(setup.user_agent)
        .timeout(setup.timeout)
        .connect_timeout(CONNECT)
        .redirect(redirect::Policy::none())
        .referer(false)
        .http1_only();
    if setup.direct {
        builder = builder.no_proxy();
    }
    if let Some(path) = setup.ca {
        builder = builder.tls_certs_only(certificates(path)?);
    }
    builder.build().map_err(|error| ClientError::Setup(Box::new(error)))
}

/// Connections to whoever is no hub.
pub(super) fn plain_client(timeout: Duration, ca: Option<&Path>) -> Result<Client, ClientError> {
    client(&Setup { ca, timeout, user_agent: concat!("twinops/", env!("CARGO_PKG_VERSION")), direct: false })
}

struct Head {
    status: u16,
    error_code: Option<String>,
    retry_after: Option<Duration>,
    item_type: Option<String>,
    continuation: Option<String>,
}

impl Head {
    fn of(response: &Response) -> Self {
        let headers = response.headers();
        Self {
            status: response.status().as_u16(),
            error_code: text(headers, &ERROR_CODE),
            retry_after: text(headers, &RETRY_AFTER).and_then(|text| text.parse().ok()).map(Duration::from_secs),
            item_type: text(headers, &ITEM_TYPE),
            continuation: text(headers, &CONTINUATION).filter(|token| !token.is_empty()),
        }
    }

    fn with(self, body: Bytes) -> Reply {
        let Self { status, error_code, retry_after, item_type, continuation } = self;
        Reply { status, error_code, retry_after, item_type, continuation, body }
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn value(text: &str) -> Result<HeaderValue, HubError> {
    HeaderValue::from_str(text).map_err(|error| HubError::Answer(Box::new(error)))
}

/// The address is known to the reader, and may be long: it is left out.
fn unreachable(error: reqwest::Error) -> HubError {
    HubError::Unreachable(Box::new(error.without_url()))
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, ClientError> {
    let pem = std::fs::read(path).map_err(|cause| ClientError::Ca { path: path.to_owned(), cause })?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(ClientError::NoCertificate(path.to_owned())),
    }
}
