//! The modules that a gateway needs to run what it is told (protocol reference 3.3, 8.1).

use std::{collections::HashSet, sync::Arc};

use super::set::{Bits, Set};
use crate::{
    hub::{
        core::Core,
        failure::Failure,
        ports::{LinkId, Links},
        random,
        record::Record,
        store::{Change, Filter, Outcome, Span, Store},
        time,
    },
    iothub::{Authentication, DeviceIdentity, ETag, ErrorCode, ModuleIdentity, SymmetricKey},
    twin::DeviceId,
};

/// Most modules of a device (protocol reference 14).
const MOST: usize = 50;
/// Who looks after a module that a deployment made.
const MANAGER: &str = "iotEdge";

impl<S: Store, L: Links> Core<S, L> {
    /// Makes the modules that deployments speak of and the device lacks.
    pub(super) async fn make_modules(&self, set: &Set, device: &Record, deployments: Bits) -> Result<(), Failure> {
        if deployments == 0 {
            return Ok(());
        }
        self.need_modules(&device.link.device, set.modules(deployments)).await
    }

    /// Makes those of some modules that a device lacks.
    pub(super) async fn need_modules(&self, device: &DeviceId, mut needed: HashSet<Arc<str>>) -> Result<(), Failure> {
        let there = self.store.scan(Span::ModulesOf(device), None, &Filter::default(), MOST).await?;
        for module in there.iter().filter_map(|record| record.link.module.as_ref()) {
            needed.remove(module);
        }
        if there.len() + needed.len() > MOST {
            let message = format!("device {device} would have more than {MOST} modules");
            return Err(Failure::new(ErrorCode::TooManyModulesOnDevice, message));
        }
        for module in needed {
            let record = Arc::new(new_module(device, module)?);
            // Somebody else may have made it in the meantime.
            let _written: Outcome = self.commit(vec![Change::Insert(record)]).await?;
        }
        Ok(())
    }
}

fn new_module(device: &DeviceId, module: Arc<str>) -> Result<Record, Failure> {
    let now = time::now();
    let ticks = time::ticks(now);
    let keys = SymmetricKey::new(&random::key()?, &random::key()?);
    let identity = ModuleIdentity {
        module_id: module.to_string(),
        managed_by: Some(MANAGER.to_owned()),
        device_id: device.to_string(),
        generation_id: ticks.to_string(),
        etag: ETag::of_identity(random::number()?.into()),
        authentication: Some(Authentication { symmetric_key: keys, ..Authentication::default() }),
        ..ModuleIdentity::default()
    };
    let unwritable = |error: serde_json::Error| {
        Failure::new(ErrorCode::ServerError, format!("the module's identity cannot be stored: {error}"))
    };
    let link = LinkId { device: device.clone(), module: Some(module) };
    let mut record = Record::fresh(link, &DeviceIdentity::default(), ticks, &time::text(now)).map_err(unwritable)?;
    record.identity = serde_json::to_string(&identity).map_err(unwritable)?.into();
    Ok(record)
}
