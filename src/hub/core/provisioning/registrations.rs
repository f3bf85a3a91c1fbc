//! What came of registrations, for operators (protocol reference 13.3).

use super::{
    super::{ATTEMPTS, Core},
    enroll::{busy, delete},
};
use crate::{
    hub::{
        dps::{Registration, RegistrationState},
        failure::Failure,
        ports::Links,
        store::{Document, Kind, Outcome, Store},
    },
    iothub::{ErrorCode, IfMatch, RegistrationId},
};

impl<S: Store, L: Links> Core<S, L> {
    /// How a registration stands.
    pub(crate) async fn registration(&self, id: &RegistrationId) -> Result<RegistrationState, Failure> {
        Ok(self.stored_registration(id).await?.ok_or_else(|| none(id))?.0.state)
    }

    /// Forgets a registration. The device that came of it stays.
    pub(crate) async fn delete_registration(
        &self,
        id: &RegistrationId,
        if_match: Option<&IfMatch>,
    ) -> Result<(), Failure> {
        for _ in 0..ATTEMPTS {
            let (registration, document) = self.stored_registration(id).await?.ok_or_else(|| none(id))?;
            if if_match.is_some_and(|if_match| !if_match.allows(&registration.state.etag)) {
                return Err(Failure::stale());
            }
            if self.store.write(vec![delete(document)]).await? == Outcome::Written {
                return Ok(());
            }
        }
        Err(busy())
    }

    /// A registration with the document that it stands in.
    pub(super) async fn stored_registration(
        &self,
        id: &RegistrationId,
    ) -> Result<Option<(Registration, Document)>, Failure> {
        let Some(document) = self.store.document(Kind::Registration, &id.key()).await? else { return Ok(None) };
        Ok(Some((Registration::read(&document.body)?, document)))
    }
}

pub(super) fn none(id: &RegistrationId) -> Failure {
    Failure::new(ErrorCode::GenericNotFound, format!("nobody has registered as `{id}`"))
}
