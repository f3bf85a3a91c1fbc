//! Whether a device may talk (protocol reference 11.1).

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use tracing::{info, warn};

use super::{
    Core, Decision, device_link,
    devices::subscriptions,
    presence::{Begun, PresenceTable},
    trusted::Epoch,
};
use crate::{
    hub::{
        auth::{Denial, own_certificate, signed_certificate},
        ports::{Admission, ConnectRequest, LinkId, Links, Refusal},
        record::Record,
        store::{Change, Outcome, Store, StoreError},
        time,
    },
    iothub::{AuthenticationType, CLOCK_SKEW_SECONDS},
};

/// Somebody who is who they say they are.
pub(crate) struct Known {
    pub(crate) record: Record,
    /// When what they showed ends.
    pub(crate) expires: Option<SystemTime>,
    /// As of when an authority vouched for them, if one did.
    vouched: Option<Epoch>,
}

/// Why somebody is not believed.
enum Doubt {
    Denied(Denial),
    Store(StoreError),
}

impl From<Denial> for Doubt {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<StoreError> for Doubt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<S: Store, L: Links> Core<S, L> {
    pub(super) async fn admit(&self, request: &ConnectRequest<'_>) -> Result<Admission, Refusal> {
        let link = &request.link;
        let Known { record, expires, vouched } =
            self.authenticate(link, request.password, request.certificates).await?;
        if let Some(model) = request.model_id.filter(|model| **model != *record.model_id) {
            self.set_model(link, model).await?;
        }
        if let Some(epoch) = vouched {
            self.trusted.came(link, epoch);
        }
        let now = time::now();
        // Before the claim, so that a connect which breaks off is noted as one that ended.
        let begun = self.presence.come(link, now);
        self.claim(&record, begun, now).await?;
        // Whoever had the link, here or at another process, may have had something to keep until the claim.
        let takes_over = begun.takes_over || record.session.connected;
        let kept = if takes_over { self.kept(link).await? } else { record.session.subscriptions };
        let kept = if request.clean_session { self.forget(link, kept).await? } else { kept };
        self.outlet.connection(link, true);
        Ok(Admission { expires, subscriptions: subscriptions(kept), session: begun.session })
    }

    /// What a session that was just taken over has kept, the last of it included: from here on it keeps nothing.
    async fn kept(&self, link: &LinkId) -> Result<u32, Refusal> {
        let _turn = self.locks.turn(link).await;
        let record = self.store.get(link).await.map_err(|error| unavailable(link, &error))?;
        record.map(|record| record.session.subscriptions).ok_or(Refusal::NotAuthorized)
    }

    /// Forgets what earlier sessions have kept, before the next one can ask for it.
    async fn forget(&self, link: &LinkId, kept: u32) -> Result<u32, Refusal> {
        if kept != 0 {
            let none = Change::Subscriptions { link: link.clone(), subscriptions: 0 };
            let _written = self.store.write(vec![none]).await.map_err(|error| unavailable(link, &error))?;
        }
        Ok(0)
    }

    /// The identity of whoever shows these credentials, if they are its own; whatever is spoken over the connection.
    pub(crate) async fn authenticate(
        &self,
        link: &LinkId,
        token: Option<&str>,
        certificates: &[CertificateDer<'_>],
    ) -> Result<Known, Refusal> {
        self.believe(link, token, certificates).await.map_err(|doubt| match doubt {
            Doubt::Denied(denial) => {
                info!(%link, reason = %denial, "a device was refused");
                Refusal::NotAuthorized
            }
            Doubt::Store(error) => unavailable(link, &error),
        })
    }

    /// Lets a device make one request without a link, if the credentials are its own.
    pub(crate) async fn admit_request(
        &self,
        link: &LinkId,
        token: Option<&str>,
        certificates: &[CertificateDer<'_>],
    ) -> Result<(), Refusal> {
        self.authenticate(link, token, certificates).await?;
        let now = time::now();
        if !self.presence.seen(link, now) {
            self.store.note(PresenceTable::heard_once(link, now));
        }
        Ok(())
    }

    async fn believe(
        &self,
        link: &LinkId,
        token: Option<&str>,
        certificates: &[CertificateDer<'_>],
    ) -> Result<Known, Doubt> {
        let record = self.enabled(link).await?;
        let identity = record.identity().map_err(|_| Denial::Unknown)?;
        let authentication = identity.authentication.unwrap_or_default();
        let now = time::seconds(time::now());
        if let Some(token) = token.filter(|token| !token.is_empty()) {
            let ends = self.authority.device_token(link, &authentication, token, now)?;
            return Ok(Known { record, expires: end_of_link(ends), vouched: None });
        }
        let own = certificates.first().ok_or(Denial::NoCredentials)?;
        let (ends, vouched) = if authentication.kind == AuthenticationType::CertificateAuthority {
            let (trust, epoch) = self.trusted.now(&self.store, now).await?;
            (Some(signed_certificate(&trust, link, certificates, now)?), Some(epoch))
        } else {
            (own_certificate(&authentication, own, now)?, None)
        };
        Ok(Known { record, expires: ends.and_then(time_of), vouched })
    }

    /// Takes the link for this process. The record may have been disabled or deleted at another one since it was read:
    /// then the device has to come again.
    async fn claim(&self, record: &Record, begun: Begun, now: Timestamp) -> Result<(), Refusal> {
        let link = &record.link;
        match self.store.claim(link, &record.identity, &time::text(now)).await {
            Ok(Outcome::Written) => return Ok(()),
            Ok(Outcome::Conflict) => {
                self.undo(link, begun);
                info!(%link, "a device changed while it connected; it has to try again");
            }
            Err(error) => {
                // It may have been written all the same.
                if let Some(seen) = self.undo(link, begun) {
                    self.store.note(seen);
                }
                return Err(unavailable(link, &error));
            }
        }
        Err(Refusal::Unavailable)
    }

    /// Forgets a session that comes to nothing, unless another one was there, which stays.
    fn undo(&self, link: &LinkId, begun: Begun) -> Option<Change> {
        if begun.takes_over {
            return None;
        }
        self.trusted.went(link);
        self.presence.go(link, time::now())
    }

    /// The record of somebody who may connect; a module may if its device may.
    async fn enabled(&self, link: &LinkId) -> Result<Record, Doubt> {
        let record = self.store.get(link).await?.ok_or(Denial::Unknown)?;
        let device_is_enabled = match &link.module {
            None => true,
            Some(_) => self.store.get(&device_link(&link.device)).await?.ok_or(Denial::Unknown)?.enabled,
        };
        if record.enabled && device_is_enabled { Ok(record) } else { Err(Denial::Disabled.into()) }
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

/// The store does not do what it should.
fn unavailable(link: &LinkId, error: &StoreError) -> Refusal {
    warn!(%link, error = error as &dyn std::error::Error, "a device cannot be let in now");
    Refusal::Unavailable
}

/// When a link ends whose token ends at `seconds`: with the grace with which the token was let in, lest a device whose
/// clock is late is let in and cut in a circle. A time that the system's clock cannot tell never comes.
fn end_of_link(seconds: u64) -> Option<SystemTime> {
    time_of(seconds.saturating_add(CLOCK_SKEW_SECONDS))
}

fn time_of(seconds: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}
