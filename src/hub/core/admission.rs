//! Whether a device may talk (protocol reference 11.1).

use std::time::{Duration, SystemTime};

use tracing::{info, warn};

use super::{Core, Decision, devices::subscriptions};
use crate::{
    hub::{
        auth::Denial,
        ports::{Admission, ConnectRequest, LinkId, Links, Refusal},
        record::Record,
        store::{Change, Outcome, Store},
        time,
    },
    iothub::CLOCK_SKEW_SECONDS,
};

impl<S: Store, L: Links> Core<S, L> {
    pub(super) async fn admit(&self, request: &ConnectRequest<'_>) -> Result<Admission, Refusal> {
        let link = &request.link;
        let record = self.store.get(link).await.map_err(|error| {
            warn!(%link, error = &error as &dyn std::error::Error, "a device cannot be let in now");
            Refusal::Unavailable
        })?;
        let expires = record.as_ref().ok_or(Denial::Unknown).and_then(|record| self.believe(record, request));
        let expires = expires.map_err(|denial| {
            info!(%link, reason = %denial, "a device was refused");
            Refusal::NotAuthorized
        })?;
        let record = record.ok_or(Refusal::NotAuthorized)?;
        self.remember(&record, request).await?;
        self.claim(&record).await?;
        Ok(Admission {
            expires: expires.and_then(end_of_link),
            subscriptions: if request.clean_session {
                subscriptions(0)
            } else {
                subscriptions(record.session.subscriptions)
            },
        })
    }

    /// When its token ends, if it is who it says it is.
    fn believe(&self, record: &Record, request: &ConnectRequest<'_>) -> Result<Option<u64>, Denial> {
        if !record.enabled {
            return Err(Denial::Disabled);
        }
        let identity = record.identity().map_err(|_| Denial::Unknown)?;
        let authentication = identity.authentication.unwrap_or_default();
        let now = time::seconds(time::now());
        match (request.password.filter(|token| !token.is_empty()), request.certificate) {
            (Some(token), _) => self.authority.device_token(&request.link, &authentication, token, now).map(Some),
            (None, Some(certificate)) => self.authority.device_certificate(&authentication, certificate).map(|()| None),
            (None, None) => Err(Denial::NoCredentials),
        }
    }

    /// Takes the link for this process. The record may have been disabled or deleted at another one since it was read:
    /// then the device has to come again.
    async fn claim(&self, record: &Record) -> Result<(), Refusal> {
        let (link, now) = (&record.link, time::now());
        // First, so that a connect which breaks off is noted as one that ended.
        let is_first = self.presence.come(link, now);
        match self.store.claim(link, &record.identity, &time::text(now)).await {
            Ok(Outcome::Written) => return Ok(()),
            Ok(Outcome::Conflict) => {
                if is_first {
                    self.presence.go(link, now);
                }
                info!(%link, "a device changed while it connected; it has to try again");
            }
            Err(error) => {
                // It may have been written all the same.
                if let Some(seen) = is_first.then(|| self.presence.go(link, now)).flatten() {
                    self.store.note(seen);
                }
                warn!(%link, error = &error as &dyn std::error::Error, "a device cannot be let in now");
            }
        }
        Err(Refusal::Unavailable)
    }

    /// What a connect changes for later ones: the model, and a clean session's end of all subscriptions.
    async fn remember(&self, record: &Record, request: &ConnectRequest<'_>) -> Result<(), Refusal> {
        let link = &request.link;
        if let Some(model) = request.model_id.filter(|model| **model != *record.model_id) {
            self.set_model(link, model).await?;
        }
        if request.clean_session && record.session.subscriptions != 0 {
            self.store.note(Change::Subscriptions { link: link.clone(), subscriptions: 0 });
        }
        Ok(())
    }

    async fn set_model(&self, link: &LinkId, model: &str) -> Result<(), Refusal> {
        let _turn = self.locks.turn(link).await;
        let change = |record: &mut Record| {
            record.model_id = model.into();
            Ok(Decision::Write(()))
        };
        let changed = self.change(link, change).await;
        changed.map(drop).map_err(|failure| {
            warn!(%link, %failure, "the model of a device could not be kept");
            Refusal::Unavailable
        })
    }
}

/// When a link ends whose token ends at `seconds`: with the grace with which the token was let in, lest a device whose
/// clock is late is let in and cut in a circle. A time that the system's clock cannot tell never comes.
fn end_of_link(seconds: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds.saturating_add(CLOCK_SKEW_SECONDS)))
}
