//! Devices that register (protocol reference 13.1, 13.2).

use bytes::Bytes;

use super::{super::Core, enroll::MOST_GROUPS, registrations::none};
use crate::{
    hub::{
        auth::Denial,
        dps::{Breed, Enrollment, Registration, RegistrationBody, RegistrationState, Shown, prove},
        failure::Failure,
        ports::{Fault, Links, Provisioning, Refusal, Registrant, RegistrationAnswer},
        store::{Kind, Store},
        time,
    },
    iothub::{Authentication, ErrorCode},
};

/// When a device is to ask how its registration went, in seconds: it is done before it hears of it.
const RETRY_AFTER: u32 = 1;

/// Somebody who has proved to be whom an enrolment describes.
pub(super) struct Known {
    pub(super) breed: Breed,
    pub(super) enrollment: Enrollment,
    /// How the device will prove itself to the hub.
    pub(super) authentication: Authentication,
}

impl Known {
    /// The group that it belongs to, by the key of its id.
    pub(super) fn group(&self) -> Option<String> {
        self.enrollment.id(Breed::Group).map(str::to_ascii_lowercase)
    }
}

impl<S: Store, L: Links> Core<S, L> {
    /// Registers a device: it is assigned when this returns, and is told so when it asks how it went.
    pub(crate) async fn register(&self, who: &Registrant, body: &[u8]) -> Result<RegistrationAnswer, Failure> {
        let _door = self.provisioner.throttle.enter()?;
        let known = self.known(who).await?;
        let body = RegistrationBody::parse(body, &who.id)?;
        self.provisioner.throttle.register()?;
        let registration = self.assign(who, &known, body.model_id()).await?;
        let state = &registration.state;
        tracing::info!(registration = %who.id, status = ?state.status, device = state.device_id, "a device registered");
        Ok(RegistrationAnswer {
            status: 202,
            operation: Some(registration.operation().to_owned()),
            retry_after: Some(RETRY_AFTER),
            body: registration.assigning().into(),
        })
    }

    /// Tells how a registration went.
    pub(crate) async fn registered(&self, who: &Registrant, operation: &str) -> Result<RegistrationAnswer, Failure> {
        let registration = self.own_registration(who).await?;
        if !registration.came_of(operation) {
            let message = format!("`{}` has no operation of this id; register again", who.id);
            return Err(Failure::new(ErrorCode::GenericNotFound, message));
        }
        let body = Bytes::from(registration.outcome(operation));
        Ok(RegistrationAnswer { status: 200, operation: None, retry_after: None, body })
    }

    /// How the registration of whoever asks stands.
    pub(crate) async fn registration_of(&self, who: &Registrant) -> Result<RegistrationState, Failure> {
        Ok(self.own_registration(who).await?.state)
    }

    async fn own_registration(&self, who: &Registrant) -> Result<Registration, Failure> {
        let _door = self.provisioner.throttle.enter()?;
        let known = self.known(who).await?;
        let found = self.stored_registration(&who.id).await?.map(|(registration, _)| registration);
        // What somebody else's devices came to is not for this one.
        found.filter(|registration| registration.group == known.group()).ok_or_else(|| none(&who.id))
    }

    /// Finds the enrolment of somebody, who has to prove to be whom it describes. One of its own goes before groups,
    /// and keeps out of them whom it does not let in.
    async fn known(&self, who: &Registrant) -> Result<Known, Failure> {
        let denied = |denial: Denial| {
            tracing::info!(registration = %who.id, reason = %denial, "a registration was denied");
            let message = "Unauthorized: no enrolment of this service is for these credentials; check id scope, \
                           registration id, key or certificate, and clock";
            Failure::new(ErrorCode::IotHubUnauthorizedAccess, message)
        };
        let shown = Shown::new(who, &self.provisioner.id_scope, time::seconds(time::now())).map_err(denied)?;
        if let Some((enrollment, _)) = self.stored_enrollment(Breed::Individual, &who.id).await? {
            let authentication = prove(&enrollment, Breed::Individual, &shown).map_err(denied)?;
            return Ok(Known { breed: Breed::Individual, enrollment, authentication });
        }
        self.of_group(&shown).await?.ok_or_else(|| denied(Denial::Unknown))
    }

    /// The group that somebody belongs to; one that lets devices in goes before one that does not.
    async fn of_group(&self, shown: &Shown<'_>) -> Result<Option<Known>, Failure> {
        let mut found = None;
        for document in self.store.documents(Kind::EnrollmentGroup, "", None, MOST_GROUPS).await? {
            let enrollment = Enrollment::read(&document.body)?;
            let Ok(authentication) = prove(&enrollment, Breed::Group, shown) else { continue };
            let known = Known { breed: Breed::Group, enrollment, authentication };
            if known.enrollment.is_enabled() {
                return Ok(Some(known));
            }
            found.get_or_insert(known);
        }
        Ok(found)
    }
}

impl<S: Store, L: Links> Provisioning for Core<S, L> {
    async fn recognise(&self, who: &Registrant) -> Result<(), Refusal> {
        let looked = async {
            let _door = self.provisioner.throttle.enter()?;
            self.known(who).await.map(drop)
        };
        looked.await.map_err(|failure| match failure.code.status() {
            401 => Refusal::NotAuthorized,
            _ => Refusal::Unavailable,
        })
    }

    async fn register(&self, who: &Registrant, body: &[u8]) -> Result<RegistrationAnswer, Fault> {
        Ok(self.register(who, body).await?)
    }

    async fn registered(&self, who: &Registrant, operation: &str) -> Result<RegistrationAnswer, Fault> {
        Ok(self.registered(who, operation).await?)
    }
}
