//! Identities of modules: create, read, update, delete, list (protocol reference 2.5, 3.3).

use std::sync::Arc;

use super::{
    ATTEMPTS, Core, Decision, TwinPart, busy, device_link,
    family::removal,
    identities::{Made, check_delete},
    module_rules, unwritable,
};
use crate::{
    hub::{
        events::Lifecycle,
        failure::Failure,
        ports::{LinkId, Links},
        record::Record,
        store::{Change, Outcome, Store},
        time,
    },
    iothub::{ErrorCode, IfMatch, ModuleIdentity, NEVER},
    twin::DeviceId,
};

impl<S: Store, L: Links> Core<S, L> {
    /// One module, keys included.
    pub(crate) async fn module(&self, link: &LinkId) -> Result<ModuleIdentity, Failure> {
        self.shown_module(&self.module_record(link).await?)
    }

    /// All modules of a device.
    pub(crate) async fn modules(&self, device: &DeviceId) -> Result<Vec<ModuleIdentity>, Failure> {
        let modules = self.modules_of(device).await?;
        if modules.is_empty() {
            self.record(&device_link(device)).await?;
        }
        modules.iter().map(|record| self.shown_module(record)).collect()
    }

    /// Creates a module with its twin, or with `If-Match` replaces it.
    pub(crate) async fn put_module(
        &self,
        link: &LinkId,
        body: ModuleIdentity,
        if_match: Option<&IfMatch>,
    ) -> Result<ModuleIdentity, Failure> {
        let record = match if_match {
            None => self.create_module(link, &body, None).await?.record,
            Some(if_match) => self.update_module(link, &body, if_match, None).await?,
        };
        self.shown_module(&record)
    }

    /// Creates a module with its twin. Its device is written too, so that nobody deletes or disables it or adds the
    /// module that is one too many in between.
    pub(super) async fn create_module(
        &self,
        link: &LinkId,
        body: &ModuleIdentity,
        twin: Option<&TwinPart>,
    ) -> Result<Made, Failure> {
        let of = device_link(&link.device);
        let _turn = self.locks.turn(&of).await;
        for _ in 0..ATTEMPTS {
            let device = self.record(&of).await?;
            check_room(link, &self.modules_of(&link.device).await?)?;
            let now = time::now();
            let (ticks, text) = (time::ticks(now), time::text(now));
            let module = module_rules::replace(link, body.clone(), None, ticks)?;
            let record = Record::fresh_module(link.clone(), &module, &device.standing()?, ticks, &text);
            let mut record = record.map_err(unwritable)?;
            let without_twin = twin.and_then(|twin| twin.write.apply(&mut record, &text).err());
            let record = Arc::new(record);
            let batch = vec![Change::Update(device.into()), Change::Insert(Arc::clone(&record))];
            if self.commit(batch).await? == Outcome::Written {
                return Ok(Made { record, without_twin });
            }
        }
        Err(busy())
    }

    /// Replaces a module's identity, together with a write of its twin if there is one.
    pub(super) async fn update_module(
        &self,
        link: &LinkId,
        body: &ModuleIdentity,
        if_match: &IfMatch,
        twin: Option<&TwinPart>,
    ) -> Result<Arc<Record>, Failure> {
        let _turn = self.locks.turn(link).await;
        self.module_record(link).await?;
        let now = time::now();
        let change = |record: &mut Record| {
            let old = record.module()?;
            if !if_match.allows(&old.etag) {
                return Err(Failure::stale());
            }
            let new = module_rules::replace(link, body.clone(), Some(&old), time::ticks(now))?;
            let standing = record.standing()?;
            record.set_module(&new, &standing).map_err(unwritable)?;
            let told = twin.map(|twin| twin.apply(record, &time::text(now))).transpose()?.flatten();
            Ok(Decision::Write((told, new.authentication != old.authentication)))
        };
        let (record, (told, cut)) = self.change_telling(link, change, |(told, _)| told.clone()).await?;
        if let Some(patch) = told {
            self.links.desired(link, record.desired.version, patch);
        }
        self.outlet.lifecycle(Lifecycle::Updated, &record);
        if cut {
            self.links.cut(link);
        }
        Ok(record)
    }

    /// Deletes a module with its twin and the messages that wait for it.
    pub(crate) async fn delete_module(&self, link: &LinkId, if_match: Option<&IfMatch>) -> Result<(), Failure> {
        let _turn = self.locks.turn(link).await;
        for _ in 0..ATTEMPTS {
            let record = self.module_record(link).await?;
            check_delete(if_match, &record.module()?.etag)?;
            if link.module.as_deref().is_some_and(module_rules::is_system) {
                let message = format!("module {link} is part of a gateway and goes when its device is none any more");
                return Err(Failure::new(ErrorCode::InvalidOperation, message));
            }
            if self.store.write(removal(&record).into()).await? == Outcome::Written {
                self.links.cut(link);
                return Ok(());
            }
        }
        Err(busy())
    }

    /// A module that is not there is another error than a device that is not.
    pub(super) async fn module_record(&self, link: &LinkId) -> Result<Record, Failure> {
        if let Some(record) = self.store.get(link).await? {
            return Ok(record);
        }
        self.record(&device_link(&link.device)).await?;
        Err(Failure::no_module(link))
    }

    /// The module with what the hub alone knows of it.
    fn shown_module(&self, record: &Record) -> Result<ModuleIdentity, Failure> {
        let presence = self.presence.of(record);
        let or_never = |time: Option<&str>| time.unwrap_or(NEVER).to_owned();
        Ok(ModuleIdentity {
            connection_state: presence.state(),
            connection_state_updated_time: or_never(presence.state_changed.as_deref()),
            last_activity_time: or_never(presence.last_activity.as_deref()),
            ..record.module()?
        })
    }
}

/// Whether a device can have one more module of this name.
fn check_room(link: &LinkId, modules: &[Record]) -> Result<(), Failure> {
    if modules.iter().any(|module| module.link == *link) {
        let message = format!("A module with ID '{link}' is already registered.");
        return Err(Failure::new(ErrorCode::ModuleAlreadyExistsOnDevice, message));
    }
    if modules.len() >= module_rules::MOST {
        let most = module_rules::MOST;
        let message = format!("device {} has {most} modules already, and no device has more", link.device);
        return Err(Failure::new(ErrorCode::TooManyModulesOnDevice, message));
    }
    Ok(())
}
