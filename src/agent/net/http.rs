//! HTTP/1.1 over a connection, and what a connection becomes by it: a tunnel through a proxy, or a WebSocket.

use std::{pin::Pin, sync::Arc, time::Duration};

use hyper::{
    Request, Response, StatusCode, Uri,
    body::{Body, Incoming},
    client::conn::http1,
    header::{
        CONNECTION, HOST, PROXY_AUTHORIZATION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
        SEC_WEBSOCKET_VERSION, UPGRADE, USER_AGENT,
    },
    http::request,
    upgrade::Upgraded,
};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::{task::JoinSet, time::timeout};
use tracing::debug;

use super::{NetError, PATIENCE, Proxies, Stream, open, patient, proxy::Proxy, secure};
use crate::websocket;

/// Where hubs take WebSocket connections; its query may say that no certificate will come.
const PATH: &str = "/$iothub/websocket";
const AGENT: &str = concat!("twinops/", env!("CARGO_PKG_VERSION"));

/// An answer, and the connection that it comes over, which ends with it.
pub(crate) struct Answer {
    pub(crate) response: Response<Incoming>,
    _connection: JoinSet<()>,
}

/// Makes one request of whoever serves `uri`, whose path and query it gets.
pub(crate) async fn exchange(
    proxies: &Proxies,
    tls: &Arc<ClientConfig>,
    uri: &Uri,
    request: request::Builder,
    body: String,
) -> Result<Answer, NetError> {
    exchange_within(PATIENCE, proxies, tls, uri, (request, body)).await
}

/// The same with another time for what is sent until it is answered.
pub(crate) async fn exchange_within<B>(
    patience: Duration,
    proxies: &Proxies,
    tls: &Arc<ClientConfig>,
    uri: &Uri,
    (request, body): (request::Builder, B),
) -> Result<Answer, NetError>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let host = uri.host().filter(|_| uri.scheme_str() == Some("https")).ok_or(NetError::Address)?;
    let host = host.trim_matches(['[', ']']);
    let stream = open(proxies, host, uri.port_u16().unwrap_or(443)).await?;
    let stream = secure(stream, host, tls).await?;
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = request.uri(path).header(HOST, authority).header(USER_AGENT, AGENT).body(body)?;
    let sent = timeout(patience, send(Box::new(stream), request)).await;
    sent.map_err(|_| NetError::Silent(host.to_owned()))?
}

/// The body of an answer, if it is not too long.
pub(crate) async fn text(mut answer: Answer, most: usize) -> Result<String, NetError> {
    let body = answer.response.body_mut();
    let mut bytes = Vec::new();
    loop {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
        let Some(frame) = patient("the server", frame).await? else { break };
        let Ok(data) = frame?.into_data() else { continue };
        if bytes.len() + data.len() > most {
            return Err(NetError::TooLong(most));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn send<B>(stream: Stream, request: Request<B>) -> Result<Answer, NetError>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut running = JoinSet::new();
    running.spawn(async move {
        if let Err(fault) = connection.with_upgrades().await {
            debug!(%fault, "a connection broke off");
        }
    });
    let response = sender.send_request(request).await?;
    Ok(Answer { response, _connection: running })
}

/// Has a proxy connect this connection to a host.
pub(super) async fn tunnel(
    stream: Stream,
    host: &str,
    port: u16,
    proxy: &Proxy,
) -> Result<TokioIo<Upgraded>, NetError> {
    let at = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let mut request = Request::connect(&at).header(HOST, &at).header(USER_AGENT, AGENT);
    if let Some(login) = proxy.login() {
        request = request.header(PROXY_AUTHORIZATION, login);
    }
    let answer = send(stream, request.body(String::new())?).await?;
    let status = answer.response.status();
    if !status.is_success() {
        return Err(NetError::Proxy { at: proxy.to_string(), status });
    }
    Ok(TokioIo::new(hyper::upgrade::on(answer.response).await?))
}

/// MQTT over WebSocket on a connection with TLS (protocol reference 1.1).
pub(crate) async fn over_websocket(stream: Stream, host: &str, query: &str) -> Result<Stream, NetError> {
    let key = websocket::key();
    let request = Request::get(format!("{PATH}{query}")).header(HOST, host).header(USER_AGENT, AGENT);
    let request = request.header(CONNECTION, "Upgrade").header(UPGRADE, "websocket").header(SEC_WEBSOCKET_KEY, &key);
    let request = request.header(SEC_WEBSOCKET_VERSION, "13").header(SEC_WEBSOCKET_PROTOCOL, "mqtt");
    let Answer { response, _connection } = patient(host, send(stream, request.body(String::new())?)).await??;
    let said = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let expected = websocket::accept(&key);
    let agreed = response.status() == StatusCode::SWITCHING_PROTOCOLS
        && said(SEC_WEBSOCKET_ACCEPT) == expected.as_deref()
        && said(SEC_WEBSOCKET_PROTOCOL) == Some("mqtt");
    if !agreed {
        return Err(NetError::WebSocket(host.to_owned()));
    }
    let upgraded = hyper::upgrade::on(response).await?;
    Ok(Box::new(websocket::Stream::client(TokioIo::new(upgraded))))
}
