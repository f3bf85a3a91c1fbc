//! An issuer of `OpenID` Connect, as whoever signs people in asks it: the authorisation code flow with PKCE (RFC 7636).

use std::{
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, RequestBuilder, Url, header::AUTHORIZATION};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::{sync::Mutex, time::Instant};

use super::http::{Authorization, ClientError, plain_client};
use crate::jwt::{self, BearerError, Key, Token};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long what the issuer says of itself is taken to hold.
const HOLDS: Duration = Duration::from_hours(1);
/// Between fetches that a key which nobody knows asks for.
const SOONEST: Duration = Duration::from_secs(30);
/// Longest answer, in bytes.
const LONGEST: usize = 1024 * 1024;

/// How to speak to an issuer.
#[derive(Clone)]
pub struct IssuerConfig {
    /// Its name, exactly as its tokens have it. What it says of itself is at `/.well-known/openid-configuration` below.
    pub issuer: String,
    /// As what we are known to it.
    pub client_id: String,
    /// What we prove that with; a public client has nothing but PKCE.
    pub client_secret: Option<String>,
    /// Certificates (PEM) of the authorities by which it is trusted, instead of the system's.
    pub ca: Option<PathBuf>,
}

impl std::fmt::Debug for IssuerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { issuer, client_id, .. } = self;
        f.debug_struct("IssuerConfig").field("issuer", issuer).field("client_id", client_id).finish_non_exhaustive()
    }
}

/// What belongs to one person's way to the issuer and back.
#[derive(Debug, Clone, Copy)]
pub struct Flow<'a> {
    /// Where the issuer sends the browser back to.
    pub redirect: &'a str,
    /// Comes back with the browser.
    pub state: &'a str,
    /// Comes back inside the token.
    pub nonce: &'a str,
    /// Only whoever began the flow knows it.
    pub verifier: &'a str,
}

/// Why nobody is signed in. Holds nothing of a token.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// An address of the issuer's lacks TLS.
    #[error("`{0}` does not begin with https://")]
    Address(String),
    /// No connection can be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It does not answer.
    #[error("{address} cannot be reached")]
    Unreachable {
        /// Where.
        address: String,
        /// What the HTTP library said.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It says no.
    #[error("{address} answered {status}: {message}")]
    Refused {
        /// Where.
        address: String,
        /// HTTP status.
        status: u16,
        /// Its reason, when it gave one.
        message: String,
    },
    /// Its answer is none.
    #[error("{address} answered something that cannot be understood")]
    Answer {
        /// Where.
        address: String,
    },
    /// It is somebody else.
    #[error("the issuer calls itself `{0}`")]
    Name(String),
    /// Its token does not hold.
    #[error("the token of the issuer is refused")]
    Token(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The token belongs to another flow.
    #[error("the token of the issuer is for somebody else's way there")]
    Nonce,
}

impl From<BearerError> for OidcError {
    fn from(error: BearerError) -> Self {
        Self::Token(Box::new(error))
    }
}

/// What an issuer says of itself.
#[derive(Debug, Clone, Deserialize)]
struct About {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Deserialize)]
struct Granted {
    id_token: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Denied {
    error: String,
    error_description: String,
}

/// What is known of the issuer, and since when.
#[derive(Default)]
struct Known {
    about: Option<(About, Instant)>,
    keys: Option<(Vec<Key>, Instant)>,
}

/// An issuer that people sign in at.
pub struct SignIn {
    config: IssuerConfig,
    http: Client,
    known: Mutex<Known>,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").field("config", &self.config).finish_non_exhaustive()
    }
}

impl SignIn {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// When the issuer's address lacks TLS, or TLS cannot be set up.
    pub fn new(config: IssuerConfig) -> Result<Self, OidcError> {
        safe(&config.issuer)?;
        let http = plain_client(TIMEOUT, config.ca.as_deref())?;
        Ok(Self { config, http, known: Mutex::default() })
    }

    /// The issuer's name.
    pub fn issuer(&self) -> &str {
        &self.config.issuer
    }

    /// Where the browser goes to sign in.
    ///
    /// # Errors
    /// When the issuer cannot be asked.
    pub async fn address(&self, flow: Flow<'_>) -> Result<String, OidcError> {
        let about = self.about().await?;
        let endpoint = about.authorization_endpoint;
        let mut url = Url::parse(&endpoint).map_err(|_| OidcError::Answer { address: endpoint })?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(flow.verifier));
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.config.client_id),
            ("redirect_uri", flow.redirect),
            ("scope", "openid profile email"),
            ("state", flow.state),
            ("nonce", flow.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        Ok(url.into())
    }

    /// Exchanges the code that the browser brought back; what the issuer says of the person.
    ///
    /// # Errors
    /// When the issuer refuses, or its token is not for us, not of this flow, or not signed by it.
    pub async fn claims(&self, flow: Flow<'_>, code: &str) -> Result<Value, OidcError> {
        let about = self.about().await?;
        let granted: Granted = read(&about.token_endpoint, self.exchange(&about, flow, code)).await?;
        let token = Token::parse(&granted.id_token)?;
        let keys = self.keys(&about, false).await?;
        match token.check_signature(&keys) {
            Err(BearerError::UnknownKey) => token.check_signature(&self.keys(&about, true).await?)?,
            checked => checked?,
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let audiences = [self.config.client_id.clone()];
        let claims = token.check_claims(&self.config.issuer, &audiences, now)?;
        // A token for several must have been asked for by us.
        let others = claims.get("azp").and_then(Value::as_str).is_some_and(|azp| azp != self.config.client_id);
        if others {
            return Err(BearerError::Audience.into());
        }
        if claims.get("nonce").and_then(Value::as_str) != Some(flow.nonce) {
            return Err(OidcError::Nonce);
        }
        Ok(claims)
    }

    fn exchange(&self, about: &About, flow: Flow<'_>, code: &str) -> RequestBuilder {
        let IssuerConfig { client_id, client_secret, .. } = &self.config;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", flow.redirect),
            ("client_id", client_id),
            ("code_verifier", flow.verifier),
        ];
        let request = self.http.post(&about.token_endpoint);
        let methods = &about.token_endpoint_auth_methods_supported;
        // The usual way where the issuer does not say (OpenID Connect Discovery 3).
        let basic = methods.is_empty() || methods.iter().any(|method| method == "client_secret_basic");
        match client_secret {
            Some(secret) if basic => {
                let part = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
                let pair = STANDARD.encode(format!("{}:{}", part(client_id), part(secret)));
                let header = Authorization::new(&format!("Basic {pair}"));
                let request = request.form(&form);
                header.into_iter().fold(request, |request, value| request.header(AUTHORIZATION, value.into_value()))
            }
            Some(secret) => {
                form.push(("client_secret", secret));
                request.form(&form)
            }
            None => request.form(&form),
        }
    }

    async fn about(&self) -> Result<About, OidcError> {
        let mut known = self.known.lock().await;
        if let Some((about, since)) = &known.about
            && since.elapsed() < HOLDS
        {
            return Ok(about.clone());
        }
        let address = format!("{}/.well-known/openid-configuration", self.config.issuer.trim_end_matches('/'));
        let about: About = read(&address, self.http.get(&address)).await?;
        if about.issuer != self.config.issuer {
            return Err(OidcError::Name(about.issuer));
        }
        [&about.authorization_endpoint, &about.token_endpoint, &about.jwks_uri]
            .into_iter()
            .try_for_each(|url| safe(url))?;
        known.about = Some((about.clone(), Instant::now()));
        Ok(about)
    }

    /// The issuer's keys; newer ones, where those at hand are not those of a token.
    async fn keys(&self, about: &About, newer: bool) -> Result<Vec<Key>, OidcError> {
        let mut known = self.known.lock().await;
        let lasts = if newer { SOONEST } else { HOLDS };
        if let Some((keys, since)) = &known.keys
            && since.elapsed() < lasts
        {
            return Ok(keys.clone());
        }
        let address = &about.jwks_uri;
        let body = body(address, self.http.get(address)).await?;
        let keys = jwt::parse(&body).map_err(|_| OidcError::Answer { address: address.clone() })?;
        known.keys = Some((keys.clone(), Instant::now()));
        Ok(keys)
    }
}

fn safe(address: &str) -> Result<(), OidcError> {
    if address.starts_with("https://") { Ok(()) } else { Err(OidcError::Address(address.to_owned())) }
}

async fn read<T: DeserializeOwned>(address: &str, request: RequestBuilder) -> Result<T, OidcError> {
    let body = body(address, request).await?;
    serde_json::from_slice(&body).map_err(|_| OidcError::Answer { address: address.to_owned() })
}

/// An answer, whole.
async fn body(address: &str, request: RequestBuilder) -> Result<Vec<u8>, OidcError> {
    let unreachable = |error: reqwest::Error| OidcError::Unreachable {
        address: address.to_owned(),
        cause: Box::new(error.without_url()),
    };
    let mut answer = request.send().await.map_err(unreachable)?;
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > LONGEST {
            return Err(OidcError::Answer { address: address.to_owned() });
        }
        body.extend_from_slice(&chunk);
    }
    if status.is_success() {
        return Ok(body);
    }
    let denied: Denied = serde_json::from_slice(&body).unwrap_or_default();
    let why = [denied.error_description, denied.error].into_iter().find(|text| !text.is_empty());
    let message = why.unwrap_or_else(|| status.canonical_reason().unwrap_or("no reason").to_owned());
    Err(OidcError::Refused { address: address.to_owned(), status: status.as_u16(), message })
}
