//! Identities of devices: create, read, update, delete, list (protocol reference 2.5, 3).

use std::{iter::once, sync::Arc};

use super::{ATTEMPTS, Core, TwinPart, busy, device_link, family, identity_rules, tell, unwritable};
use crate::{
    hub::{
        events::Lifecycle,
        failure::Failure,
        ports::Links,
        record::Record,
        store::{Change, Outcome, Span, Store},
        time,
    },
    iothub::{DeviceIdentity, ETag, ErrorCode, IfMatch, NEVER},
    query::Sieve,
    twin::DeviceId,
};

/// An identity that was made, and why its twin is still empty if it should not be.
pub(super) struct Made {
    pub(super) record: Arc<Record>,
    pub(super) without_twin: Option<Failure>,
}

/// A delete goes nowhere without an edition (protocol reference 2.5).
pub(super) fn check_delete(if_match: Option<&IfMatch>, current: &ETag) -> Result<(), Failure> {
    let missing = "Etag missing: a delete needs If-Match with an etag or *";
    let if_match = if_match.ok_or_else(|| Failure::new(ErrorCode::PreconditionFailed, missing))?;
    if if_match.allows(current) { Ok(()) } else { Err(Failure::stale()) }
}

impl<S: Store, L: Links> Core<S, L> {
    /// One identity, keys included.
    pub(crate) async fn identity(&self, id: &DeviceId) -> Result<DeviceIdentity, Failure> {
        self.shown(&self.record(&device_link(id)).await?)
    }

    /// The first `top` identities in the order of their ids.
    pub(crate) async fn identities(&self, top: usize) -> Result<Vec<DeviceIdentity>, Failure> {
        let scanned = self.store.scan(Span::Devices, None, &Sieve::Anything, top).await?;
        scanned.records.iter().map(|record| self.shown(record)).collect()
    }

    /// Creates an identity with its twin, or with `If-Match` replaces it.
    pub(crate) async fn put_identity(
        &self,
        id: &DeviceId,
        body: DeviceIdentity,
        if_match: Option<&IfMatch>,
    ) -> Result<DeviceIdentity, Failure> {
        let record = match if_match {
            None => self.create_device(id, body, None).await?.record,
            Some(if_match) => self.update_device(id, &body, if_match, None).await?,
        };
        self.shown(&record)
    }

    /// Creates a device with its twin, and a gateway with its own modules. Nobody waits for a turn: a device that is
    /// not there has no other writers, and the store lets one insert through.
    pub(super) async fn create_device(
        &self,
        id: &DeviceId,
        body: DeviceIdentity,
        twin: Option<&TwinPart>,
    ) -> Result<Made, Failure> {
        let now = time::now();
        let (ticks, text) = (time::ticks(now), time::text(now));
        let identity = identity_rules::replace(id, body, None, ticks, &text)?;
        self.check_parent(&identity, None).await?;
        let mut record = Record::fresh(device_link(id), &identity, ticks, &text).map_err(unwritable)?;
        let without_twin = twin.and_then(|twin| twin.write.apply(&mut record, &text).err());
        let record = Arc::new(record);
        let mut batch = vec![Change::Insert(Arc::clone(&record))];
        if identity.capabilities.iot_edge {
            batch.extend(family::system_modules(&identity, id, now)?);
        }
        match self.commit(batch).await? {
            Outcome::Written => Ok(Made { record, without_twin }),
            Outcome::Conflict => {
                let message = format!("A device with ID '{id}' is already registered.");
                Err(Failure::new(ErrorCode::DeviceAlreadyExists, message))
            }
        }
    }

    /// Replaces a device's identity, together with a write of its twin if there is one.
    pub(super) async fn update_device(
        &self,
        id: &DeviceId,
        body: &DeviceIdentity,
        if_match: &IfMatch,
        twin: Option<&TwinPart>,
    ) -> Result<Arc<Record>, Failure> {
        let link = device_link(id);
        let _turn = self.locks.turn(&link).await;
        for _ in 0..ATTEMPTS {
            let mut record = self.record(&link).await?;
            let old = record.identity()?;
            if !if_match.allows(&old.etag) {
                return Err(Failure::stale());
            }
            let now = time::now();
            let text = time::text(now);
            let new = identity_rules::replace(id, body.clone(), Some(&old), time::ticks(now), &text)?;
            self.check_parent(&new, Some(&old)).await?;
            let after = self.consequences(id, &old, &new, now).await?;
            record.set_identity(&new).map_err(unwritable)?;
            let told = twin.map(|twin| twin.apply(&mut record, &text)).transpose()?.flatten();
            let record = Arc::new(record);
            let tells = told.iter().map(|patch| tell(&record, patch.clone()));
            let batch = once(Change::Update(Arc::clone(&record))).chain(after.changes).chain(tells).collect();
            if self.commit(batch).await? == Outcome::Written {
                if let Some(patch) = told {
                    self.links.desired(&link, record.desired.version, patch);
                }
                self.outlet.lifecycle(Lifecycle::Updated, &record);
                after.cut.iter().for_each(|link| self.links.cut(link));
                return Ok(record);
            }
        }
        Err(busy())
    }

    /// Deletes an identity with its twin, its modules and the messages that wait for any of them.
    pub(crate) async fn delete_identity(&self, id: &DeviceId, if_match: Option<&IfMatch>) -> Result<(), Failure> {
        let link = device_link(id);
        let _turn = self.locks.turn(&link).await;
        for _ in 0..ATTEMPTS {
            let record = self.record(&link).await?;
            check_delete(if_match, &record.identity()?.etag)?;
            let modules = self.modules_of(id).await?;
            let all = || once(&record).chain(&modules);
            if self.store.write(all().flat_map(family::removal).collect()).await? == Outcome::Written {
                all().for_each(|gone| self.links.cut(&gone.link));
                return Ok(());
            }
        }
        Err(busy())
    }

    /// The identity with what the hub alone knows of it.
    fn shown(&self, record: &Record) -> Result<DeviceIdentity, Failure> {
        let presence = self.presence.of(record);
        let or_never = |time: Option<&str>| time.unwrap_or(NEVER).to_owned();
        Ok(DeviceIdentity {
            connection_state: presence.state(),
            cloud_to_device_message_count: presence.messages,
            connection_state_updated_time: or_never(presence.state_changed.as_deref()),
            last_activity_time: or_never(presence.last_activity.as_deref()),
            ..record.identity()?
        })
    }
}
