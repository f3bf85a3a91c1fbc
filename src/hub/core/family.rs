//! A device and its modules: what becomes of the ones when the other changes (protocol reference 3.2, 3.4).

use jiff::Timestamp;

use super::{Core, device_link, messages, module_rules, scopes, unwritable};
use crate::{
    hub::{
        failure::Failure,
        ports::{LinkId, Links},
        record::{Record, Standing},
        store::{Change, Span, Store},
        time,
    },
    iothub::{DeviceIdentity, DeviceStatus},
    query::Sieve,
    twin::DeviceId,
};

/// More than any device has modules.
const ENOUGH: usize = 2 * module_rules::MOST;

/// What a change of a device brings with it, in the same batch and after it.
#[derive(Debug, Default)]
pub(super) struct Consequences {
    pub(super) changes: Vec<Change>,
    /// Links to be cut once the changes are durable.
    pub(super) cut: Vec<LinkId>,
}

/// The name of a module's link.
pub(super) fn module_link(device: &DeviceId, module: &str) -> LinkId {
    LinkId { device: device.clone(), module: Some(module.into()) }
}

/// Everything of a record goes: itself, and the messages that wait for it. A device's modules are records of their own.
pub(super) fn removal(record: &Record) -> [Change; 3] {
    let delete = Change::Delete { link: record.link.clone(), revision: record.revision };
    let [queue, messages] = messages::all_of(&record.link);
    [delete, queue, messages]
}

/// The modules that the hub makes for a gateway.
pub(super) fn system_modules(device: &DeviceIdentity, id: &DeviceId, now: Timestamp) -> Result<Vec<Change>, Failure> {
    let (ticks, text) = (time::ticks(now), time::text(now));
    let standing = Standing::of(device);
    let make = |name: &str| {
        let link = module_link(id, name);
        let module = module_rules::system(&link, ticks)?;
        let record = Record::fresh_module(link, &module, &standing, ticks, &text).map_err(unwritable)?;
        Ok(Change::Insert(record.into()))
    };
    module_rules::SYSTEM.into_iter().map(make).collect()
}

impl<S: Store, L: Links> Core<S, L> {
    /// The modules of a device, in the order of their ids.
    pub(super) async fn modules_of(&self, device: &DeviceId) -> Result<Vec<Record>, Failure> {
        Ok(self.store.scan(Span::ModulesOf(device), None, &Sieve::Anything, ENOUGH).await?.records)
    }

    /// What it means for links and modules that a device's identity changes.
    pub(super) async fn consequences(
        &self,
        id: &DeviceId,
        old: &DeviceIdentity,
        new: &DeviceIdentity,
        now: Timestamp,
    ) -> Result<Consequences, Failure> {
        let mut after = Consequences::default();
        if new.status == DeviceStatus::Disabled || new.authentication != old.authentication {
            after.cut.push(device_link(id));
        }
        let standing = Standing::of(new);
        let mirrored = (standing != Standing::of(old)).then_some(&standing);
        let (was, is) = (old.capabilities.iot_edge, new.capabilities.iot_edge);
        if mirrored.is_some() || was != is {
            for module in self.modules_of(id).await? {
                after.follow(module, mirrored, was && !is)?;
            }
        }
        if is && !was {
            after.changes.extend(system_modules(new, id, now)?);
        }
        Ok(after)
    }

    /// Whether the gateway that an identity newly belongs to is there.
    pub(super) async fn check_parent(&self, new: &DeviceIdentity, old: Option<&DeviceIdentity>) -> Result<(), Failure> {
        let Some(scope) = scopes::new_parent(new, old) else { return Ok(()) };
        let unknown = || scopes::unknown(scope);
        let gateway = scopes::gateway_of(scope).ok_or_else(unknown)?;
        let record = self.store.get(&device_link(&gateway)).await?.ok_or_else(unknown)?;
        if scopes::is_gateway(&record.identity()?, scope) { Ok(()) } else { Err(unknown()) }
    }
}

impl Consequences {
    fn follow(&mut self, mut module: Record, mirrored: Option<&Standing>, ungated: bool) -> Result<(), Failure> {
        if ungated && module.link.module.as_deref().is_some_and(module_rules::is_system) {
            self.changes.extend(removal(&module));
            self.cut.push(module.link);
            return Ok(());
        }
        let Some(standing) = mirrored else { return Ok(()) };
        let identity = module.module()?;
        module.set_module(&identity, standing).map_err(unwritable)?;
        if !module.enabled {
            self.cut.push(module.link.clone());
        }
        self.changes.push(Change::Update(module.into()));
        Ok(())
    }
}
