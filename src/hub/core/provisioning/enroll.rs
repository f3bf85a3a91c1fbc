//! Enrolments: create, read, update, delete (protocol reference 2.5, 13.3).

use std::sync::Arc;

use super::super::{ATTEMPTS, Core};
use crate::{
    hub::{
        dps::{Breed, Enrollment},
        failure::Failure,
        ports::Links,
        store::{Change, Document, Kind, Outcome, Store},
        time,
    },
    iothub::{ErrorCode, IfMatch, RegistrationId},
};

/// Most enrolment groups: each is looked at for whoever registers (protocol reference 13.3).
pub(super) const MOST_GROUPS: usize = 100;

impl<S: Store, L: Links> Core<S, L> {
    /// One enrolment, keys included.
    pub(crate) async fn enrollment(&self, breed: Breed, id: &RegistrationId) -> Result<Enrollment, Failure> {
        self.stored_enrollment(breed, id).await?.map(|(enrollment, _)| enrollment).ok_or_else(|| none(breed, id))
    }

    /// Creates an enrolment, or with `If-Match` replaces it; as it is now, keys included.
    pub(crate) async fn put_enrollment(
        &self,
        breed: Breed,
        id: &RegistrationId,
        body: Enrollment,
        if_match: Option<&IfMatch>,
    ) -> Result<Enrollment, Failure> {
        for _ in 0..ATTEMPTS {
            let old = self.stored_enrollment(breed, id).await?;
            check(breed, id, old.as_ref().map(|(old, _)| old), if_match)?;
            if old.is_none() {
                self.check_room(breed).await?;
            }
            let is_ours = |name: &str| self.authority.is_called(name);
            let time = time::text(time::now());
            let new = body.clone().settle(breed, id, old.as_ref().map(|(old, _)| old), &time, is_ours)?;
            let revision = old.map_or(0, |(_, document)| document.revision);
            let document = Document { kind: breed.kind(), id: id.key().into(), revision, body: new.text().into() };
            if self.store.write(vec![Change::Document(Arc::new(document))]).await? == Outcome::Written {
                return Ok(new);
            }
        }
        Err(busy())
    }

    /// Deletes an enrolment, and what came of it. Devices stay.
    pub(crate) async fn delete_enrollment(
        &self,
        breed: Breed,
        id: &RegistrationId,
        if_match: Option<&IfMatch>,
    ) -> Result<(), Failure> {
        for _ in 0..ATTEMPTS {
            let (old, document) = self.stored_enrollment(breed, id).await?.ok_or_else(|| none(breed, id))?;
            if !old.allows(if_match) {
                return Err(Failure::stale());
            }
            let mut batch = vec![delete(document)];
            match breed {
                Breed::Individual => {
                    batch.extend(self.store.document(Kind::Registration, &id.key()).await?.map(delete));
                }
                // Before the group, so that what a crash leaves can be deleted again.
                Breed::Group => self.forget_registrations(&id.key()).await?,
            }
            if self.store.write(batch).await? == Outcome::Written {
                if breed == Breed::Group {
                    // Of those who registered in the meantime.
                    self.forget_registrations(&id.key()).await?;
                }
                return Ok(());
            }
        }
        Err(busy())
    }

    /// An enrolment with the document that it stands in.
    pub(super) async fn stored_enrollment(
        &self,
        breed: Breed,
        id: &RegistrationId,
    ) -> Result<Option<(Enrollment, Document)>, Failure> {
        let Some(document) = self.store.document(breed.kind(), &id.key()).await? else { return Ok(None) };
        Ok(Some((Enrollment::read(&document.body)?, document)))
    }

    async fn check_room(&self, breed: Breed) -> Result<(), Failure> {
        let full = breed == Breed::Group
            && self.store.documents(Kind::EnrollmentGroup, "", None, MOST_GROUPS).await?.len() >= MOST_GROUPS;
        if full {
            let message = format!("there are {MOST_GROUPS} enrolment groups, and cannot be more");
            return Err(Failure::new(ErrorCode::IotHubQuotaExceeded, message));
        }
        Ok(())
    }
}

/// As for identities: without `If-Match` a write creates, with it it updates.
fn check(
    breed: Breed,
    id: &RegistrationId,
    old: Option<&Enrollment>,
    if_match: Option<&IfMatch>,
) -> Result<(), Failure> {
    match (old, if_match) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(none(breed, id)),
        (Some(_), None) => {
            let message = format!("`{id}` is among {} already; send If-Match to update it", breed.source());
            Err(Failure::new(ErrorCode::GenericConflict, message))
        }
        (Some(old), _) if old.allows(if_match) => Ok(()),
        (Some(_), _) => Err(Failure::stale()),
    }
}

pub(super) fn delete(Document { kind, id, revision, .. }: Document) -> Change {
    Change::DeleteDocument { kind, id, revision }
}

fn none(breed: Breed, id: &RegistrationId) -> Failure {
    Failure::new(ErrorCode::GenericNotFound, format!("`{id}` is not among {}", breed.source()))
}

pub(super) fn busy() -> Failure {
    Failure::new(ErrorCode::ServerBusy, "too many others write this; try again")
}
