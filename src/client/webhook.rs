//! Telling a webhook of others.

use std::time::Duration;

use reqwest::{Client, Url};
use serde_json::Value;

use super::http::{ClientError, plain_client};

/// How long it may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A webhook that takes JSON, as Slack and its kin have it. Its address is a secret, and never shown.
#[derive(Clone)]
pub struct Webhook {
    client: Client,
    url: Url,
}

/// Why a webhook was not told.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The address is none.
    #[error("the address is none; it begins with https://")]
    Address,
    /// No connection can be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It does not answer.
    #[error("the webhook cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It does not take it.
    #[error("the webhook answered HTTP {0}")]
    Refused(u16),
}

impl Webhook {
    /// A webhook at an address; over plain HTTP only on this machine.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(url: &str) -> Result<Self, WebhookError> {
        let url = Url::parse(url.trim()).map_err(|_| WebhookError::Address)?;
        let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() != "https" && !(url.scheme() == "http" && is_local) {
            return Err(WebhookError::Address);
        }
        Ok(Self { client: plain_client(TIMEOUT, None)?, url })
    }

    /// One whose address is no secret, and which may lack TLS: a collector in a network of one's own.
    ///
    /// # Errors
    /// When the address is none.
    pub fn plain(url: &str) -> Result<Self, WebhookError> {
        let url = Url::parse(url).map_err(|_| WebhookError::Address)?;
        Ok(Self { client: plain_client(TIMEOUT, None)?, url })
    }

    /// Posts a document.
    ///
    /// # Errors
    /// When it is not taken.
    pub async fn post(&self, body: &Value) -> Result<(), WebhookError> {
        let unreachable = |error: reqwest::Error| WebhookError::Unreachable(Box::new(error.without_url()));
        let answer = self.client.post(self.url.clone()).json(body).send().await.map_err(unreachable)?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(WebhookError::Refused(status.as_u16())) }
    }
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Webhook(…)")
    }
}
