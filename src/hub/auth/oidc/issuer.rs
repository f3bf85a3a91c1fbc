//! An issuer, with its keys as they were when last asked for.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};
use tracing::{info, warn};

use super::{
    OidcConfig,
    fetch::{FetchError, Fetcher, TrustError},
};
use crate::{
    hub::auth::{action::Action, check::Denial},
    jwt::{self, BearerError, Key, Token},
    task::Stop,
};

/// How often the keys are fetched when nothing is amiss.
const EVERY: Duration = Duration::from_hours(1);
/// How soon they are fetched again at the earliest, whatever tokens come.
const SOONEST: Duration = Duration::from_secs(30);
/// After a failure: first so long, then twice as long each time, up to the longest.
const RETRY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));
/// Keys that could not be fetched anew for so long are not believed any more.
const STALE: Duration = Duration::from_hours(24);
/// How long a request waits for newer keys.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why an issuer cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IssuerError {
    #[error("the issuer has to begin with https://")]
    Address,
    #[error("there is no audience")]
    NoAudience,
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// Why its keys cannot be had.
#[derive(Debug, thiserror::Error)]
enum KeysError {
    #[error("cannot fetch {address}")]
    Fetch {
        address: String,
        #[source]
        cause: FetchError,
    },
    #[error("{address} cannot be understood")]
    Read {
        address: String,
        #[source]
        cause: serde_json::Error,
    },
    #[error("it calls itself `{0}`")]
    Name(String),
    #[error("it has no key that tokens can be checked with")]
    None,
}

/// See the module.
pub(crate) struct Issuer {
    config: OidcConfig,
    fetcher: Fetcher,
    known: Mutex<Known>,
    /// Somebody needs newer keys.
    wanted: Notify,
    /// Moves with every attempt to fetch them.
    attempts: watch::Sender<u64>,
}

#[derive(Default)]
struct Known {
    keys: Option<(Arc<[Key]>, Instant)>,
    /// When fetching them was last begun.
    asked: Option<Instant>,
    /// Whether they are being fetched.
    fetching: bool,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Issuer {
    /// Takes tokens as `config` says, once [`Self::keep_fresh`] runs.
    pub(crate) fn new(config: OidcConfig) -> Result<Self, IssuerError> {
        if !config.issuer.starts_with("https://") {
            return Err(IssuerError::Address);
        }
        if config.audiences.is_empty() {
            return Err(IssuerError::NoAudience);
        }
        let fetcher = Fetcher::new(config.ca.as_deref())?;
        Ok(Self { config, fetcher, known: Mutex::default(), wanted: Notify::new(), attempts: watch::Sender::new(0) })
    }

    /// Whether a token permits an action. `now` is in seconds since 1970.
    pub(crate) async fn admit(&self, token: &str, action: Action, now: u64) -> Result<(), Denial> {
        let token = Token::parse(token)?;
        match self.keys().and_then(|keys| token.check_signature(&keys)) {
            Err(BearerError::UnknownKey | BearerError::NoKeys) => {
                self.newer().await;
                token.check_signature(&self.keys()?)?;
            }
            checked => checked?,
        }
        let claims = token.check_claims(&self.config.issuer, &self.config.audiences, now)?;
        if self.config.permits(&claims, action) { Ok(()) } else { Err(Denial::Role(action.data_action())) }
    }

    /// Fetches the keys now, then every hour, and when they are wanted, until `stop`.
    pub(crate) async fn keep_fresh(self: Arc<Self>, stop: Stop) {
        let mut retry = RETRY.0;
        loop {
            self.begin();
            let Some(fetched) = stop.unless(self.fetch()).await else { return };
            self.known().fetching = false;
            let pause = match fetched {
                Ok(()) => {
                    retry = RETRY.0;
                    EVERY
                }
                Err(error) => {
                    let issuer = &self.config.issuer;
                    warn!(issuer, error = &error as &dyn std::error::Error, "the keys of the issuer cannot be had");
                    let pause = retry;
                    retry = (retry * 2).min(RETRY.1);
                    pause
                }
            };
            self.attempts.send_modify(|attempt| *attempt += 1);
            tokio::select! {
                () = sleep(pause) => {}
                () = self.wanted.notified() => {}
                () = stop.requested() => return,
            }
        }
    }

    fn begin(&self) {
        let mut known = self.known();
        known.asked = Some(Instant::now());
        known.fetching = true;
    }

    async fn fetch(&self) -> Result<(), KeysError> {
        let OidcConfig { issuer, .. } = &self.config;
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let about = self.get(&address).await?;
        let about: Discovery = serde_json::from_slice(&about).map_err(|cause| KeysError::Read { address, cause })?;
        if about.issuer != *issuer {
            return Err(KeysError::Name(about.issuer));
        }
        let address = about.jwks_uri;
        let keys = jwt::parse(&self.get(&address).await?).map_err(|cause| KeysError::Read { address, cause })?;
        if keys.is_empty() {
            return Err(KeysError::None);
        }
        let mut known = self.known();
        if known.keys.as_ref().is_none_or(|(old, _)| **old != *keys) {
            info!(issuer, keys = keys.len(), "the issuer's keys are there");
        }
        known.keys = Some((keys.into(), Instant::now()));
        Ok(())
    }

    async fn get(&self, address: &str) -> Result<Vec<u8>, KeysError> {
        let fetched = self.fetcher.get(address).await;
        fetched.map_err(|cause| KeysError::Fetch { address: address.to_owned(), cause })
    }

    fn keys(&self) -> Result<Arc<[Key]>, BearerError> {
        let known = self.known();
        let (keys, since) = known.keys.as_ref().ok_or(BearerError::NoKeys)?;
        if since.elapsed() > STALE { Err(BearerError::NoKeys) } else { Ok(Arc::clone(keys)) }
    }

    /// Waits for newer keys, unless they were fetched only just now.
    async fn newer(&self) {
        let mut attempts = self.attempts.subscribe();
        let Known { asked, fetching, .. } = *self.known();
        if !fetching {
            if asked.is_some_and(|asked| asked.elapsed() < SOONEST) {
                return;
            }
            self.wanted.notify_one();
        }
        // Late or not: whoever waited looks again at what there is.
        let _ = timeout(PATIENCE, attempts.changed()).await;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("config", &self.config).finish_non_exhaustive()
    }
}
