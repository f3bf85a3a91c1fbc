//! The conversation with a provisioning service.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hyper::{
    Method, Request, StatusCode, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER},
    http::request,
};
use rustls::ClientConfig;
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{Assignment, Provisioning};
use crate::{
    agent::net::{Answer, NetError, Proxies, TlsError, exchange, text},
    iothub::{HostNameError, sign},
};

const API_VERSION: &str = "2021-06-01";
/// How long a token for the service lasts.
const TOKEN: Duration = Duration::from_hours(1);
/// How long the service may take to decide, and how often it is asked if it does not say.
const LIMIT: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_secs(2);
/// The longest answer, in bytes; what the service passes on to the device may be 96 KB.
const LONGEST: usize = 128 * 1024;

/// Why the device has no hub. No message holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The service is out of reach.
    #[error("the provisioning service is out of reach: {0}")]
    Reach(String),
    /// No connection can be trusted.
    #[error("no trusted connection to the provisioning service can be set up")]
    Tls(#[source] TlsError),
    /// The service said no.
    #[error(
        "the provisioning service answers {status}: {message}; is the device enrolled, with this key or certificate?"
    )]
    Refused {
        /// In the manner of HTTP.
        status: u16,
        /// In its words.
        message: String,
    },
    /// The enrolment is disabled, or no hub takes the device.
    #[error("the provisioning service does not assign this device: {0}")]
    Unassigned(String),
    /// It cannot be understood.
    #[error("the provisioning service's answer cannot be read")]
    Answer(#[source] serde_json::Error),
    /// It names no hub.
    #[error("the provisioning service names a hub that is no host name")]
    Host(#[source] HostNameError),
    /// It takes too long.
    #[error("the provisioning service has not decided in {} seconds", LIMIT.as_secs())]
    Undecided,
    /// The answer cannot be kept.
    #[error("the assignment cannot be kept in the state folder")]
    Disk(#[source] std::io::Error),
}

impl From<NetError> for ProvisionError {
    fn from(fault: NetError) -> Self {
        Self::Reach(crate::agent::net::chain(&fault))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Operation {
    operation_id: String,
    registration_state: Option<State>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    #[serde(default)]
    status: String,
    #[serde(flatten)]
    assignment: Option<Assignment>,
    error_message: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
}

/// Registers the device and waits until the service has decided.
pub(super) async fn register(
    who: &Provisioning,
    proxies: &Proxies,
    tls: &Arc<ClientConfig>,
) -> Result<Assignment, ProvisionError> {
    let until = Instant::now() + LIMIT;
    let base = format!("https://{}/{}/registrations/{}", who.service, who.id_scope, who.id);
    let ask = async |method, place: String, body| {
        let uri: Uri = format!("{base}/{place}?api-version={API_VERSION}").parse().map_err(|_| NetError::Address)?;
        let request = authorized(Request::builder().method(method), who).header(CONTENT_TYPE, "application/json");
        read(exchange(proxies, tls, &uri, request, body).await?).await
    };
    let registration = json!({"registrationId": who.id.as_str()}).to_string();
    let (mut operation, mut wait) = ask(Method::PUT, "register".to_owned(), registration).await?;
    loop {
        if let Some(state) = operation.registration_state {
            match (state.status.as_str(), state.assignment) {
                ("assigned", Some(assignment)) => return Ok(assignment),
                ("failed" | "disabled", _) => {
                    return Err(ProvisionError::Unassigned(state.error_message.unwrap_or(state.status)));
                }
                _ => {}
            }
        }
        if Instant::now() + wait >= until {
            return Err(ProvisionError::Undecided);
        }
        sleep(wait).await;
        let place = format!("operations/{}", operation.operation_id);
        (operation, wait) = ask(Method::GET, place, String::new()).await?;
    }
}

/// With the device's token, if it has a key.
fn authorized(request: request::Builder, who: &Provisioning) -> request::Builder {
    let Some(key) = &who.key else { return request };
    let expiry = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + TOKEN;
    let resource = format!("{}/registrations/{}", who.id_scope, who.id);
    let token = sign(&resource, key, expiry.as_secs(), Some("registration"));
    match HeaderValue::try_from(token) {
        Ok(mut token) => {
            token.set_sensitive(true);
            request.header(AUTHORIZATION, token)
        }
        Err(_) => request,
    }
}

async fn read(answer: Answer) -> Result<(Operation, Duration), ProvisionError> {
    let (status, headers) = (answer.response.status(), answer.response.headers());
    let wait = headers.get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok());
    let wait = wait.map_or(POLL, Duration::from_secs);
    let body = text(answer, LONGEST).await?;
    match status {
        StatusCode::OK | StatusCode::ACCEPTED => {
            Ok((serde_json::from_str(&body).map_err(ProvisionError::Answer)?, wait))
        }
        status => {
            let message =
                serde_json::from_str(&body).map_or_else(|_| String::new(), |refusal: Refusal| refusal.message);
            Err(ProvisionError::Refused { status: status.as_u16(), message })
        }
    }
}
