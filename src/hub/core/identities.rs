//! Identities: create, read, update, delete, list (protocol reference 2.5, 3).

use std::sync::Arc;

use super::{Core, Decision, device_link, identity_rules};
use crate::{
    hub::{
        events::Lifecycle,
        failure::Failure,
        ports::Links,
        record::Record,
        store::{Change, Filter, Outcome, Span, Store},
        time,
    },
    iothub::{DeviceIdentity, ErrorCode, IfMatch, NEVER},
    twin::DeviceId,
};

impl<S: Store, L: Links> Core<S, L> {
    /// One identity, keys included.
    pub(crate) async fn identity(&self, id: &DeviceId) -> Result<DeviceIdentity, Failure> {
        self.shown(&self.record(id).await?)
    }

    /// The first `top` identities in the order of their ids.
    pub(crate) async fn identities(&self, top: usize) -> Result<Vec<DeviceIdentity>, Failure> {
        let records = self.store.scan(Span::Devices, None, &Filter::default(), top).await?;
        records.iter().map(|record| self.shown(record)).collect()
    }

    /// Creates an identity with its twin, or with `If-Match` replaces it.
    pub(crate) async fn put_identity(
        &self,
        id: &DeviceId,
        body: DeviceIdentity,
        if_match: Option<&IfMatch>,
    ) -> Result<DeviceIdentity, Failure> {
        let _turn = self.locks.turn(&device_link(id)).await;
        match if_match {
            None => self.create(id, body).await,
            Some(if_match) => self.update(id, &body, if_match).await,
        }
    }

    async fn create(&self, id: &DeviceId, body: DeviceIdentity) -> Result<DeviceIdentity, Failure> {
        let taken = || {
            let message = format!("A device with ID '{id}' is already registered.");
            Failure::new(ErrorCode::DeviceAlreadyExists, message)
        };
        let now = time::now();
        let (ticks, text) = (time::ticks(now), time::text(now));
        let identity = identity_rules::replace(id, body, None, ticks, &text)?;
        let record = Arc::new(Record::fresh(device_link(id), &identity, ticks, &text).map_err(unwritable)?);
        match self.store.write(vec![Change::Insert(Arc::clone(&record))]).await? {
            Outcome::Written => self.shown(&record),
            Outcome::Conflict => Err(taken()),
        }
    }

    async fn update(
        &self,
        id: &DeviceId,
        body: &DeviceIdentity,
        if_match: &IfMatch,
    ) -> Result<DeviceIdentity, Failure> {
        let link = device_link(id);
        let now = time::now();
        let change = |record: &mut Record| {
            let old = record.identity()?;
            if !if_match.allows(&old.etag) {
                return Err(Failure::stale());
            }
            let new = identity_rules::replace(id, body.clone(), Some(&old), time::ticks(now), &time::text(now))?;
            record.set_identity(&new).map_err(unwritable)?;
            Ok(Decision::Write(!record.enabled || new.authentication != old.authentication))
        };
        let (record, cut) = self.change(&link, change).await?;
        self.outlet.lifecycle(Lifecycle::Updated, &record);
        if cut {
            self.links.cut(&link);
        }
        self.shown(&record)
    }

    /// Deletes an identity with its twin.
    pub(crate) async fn delete_identity(&self, id: &DeviceId, if_match: Option<&IfMatch>) -> Result<(), Failure> {
        let link = device_link(id);
        let _turn = self.locks.turn(&link).await;
        let record = self.record(id).await?;
        let if_match = if_match.ok_or_else(|| {
            Failure::new(ErrorCode::PreconditionFailed, "Etag missing: a delete needs If-Match with an etag or *")
        })?;
        if !if_match.allows(&record.identity()?.etag) {
            return Err(Failure::stale());
        }
        let delete = Change::Delete { link: link.clone(), revision: record.revision };
        match self.store.write(vec![delete]).await? {
            Outcome::Written => self.links.cut(&link),
            Outcome::Conflict => return Err(Failure::stale()),
        }
        Ok(())
    }

    /// The identity with what the hub alone knows of it.
    fn shown(&self, record: &Record) -> Result<DeviceIdentity, Failure> {
        let presence = self.presence.of(record);
        let or_never = |time: Option<&str>| time.unwrap_or(NEVER).to_owned();
        Ok(DeviceIdentity {
            connection_state: presence.state(),
            connection_state_updated_time: or_never(presence.state_changed.as_deref()),
            last_activity_time: or_never(presence.last_activity.as_deref()),
            ..record.identity()?
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn unwritable(error: serde_json::Error) -> Failure {
    Failure::new(ErrorCode::ServerError, format!("the identity cannot be stored: {error}"))
}
