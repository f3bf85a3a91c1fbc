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

/// Documents that are read, and deleted, at a time.
const CHUNK: usize = 256;

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

    /// Forgets all registrations of a group, by the key of its id: another group of that name must not take them for
    /// its own.
    pub(super) async fn forget_registrations(&self, group: &str) -> Result<(), Failure> {
        let is_its = |document: &Document| {
            Registration::read(&document.body).is_ok_and(|registration| registration.group.as_deref() == Some(group))
        };
        let mut after: Option<Box<str>> = None;
        let mut attempts = ATTEMPTS;
        loop {
            let documents = self.store.documents(Kind::Registration, "", after.as_deref(), CHUNK).await?;
            let last = documents.last().filter(|_| documents.len() == CHUNK).map(|last| last.id.clone());
            let batch: Vec<_> = documents.into_iter().filter(is_its).map(delete).collect();
            if !batch.is_empty() && self.store.write(batch).await? == Outcome::Conflict {
                // One of them registered again: the same ones once more.
                attempts = attempts.checked_sub(1).ok_or_else(busy)?;
                continue;
            }
            match last {
                Some(last) => after = Some(last),
                None => return Ok(()),
            }
        }
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
