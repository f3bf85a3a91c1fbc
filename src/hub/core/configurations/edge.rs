//! The modules that a gateway needs to run what it is told (protocol reference 3.3, 8.1).

use std::{collections::HashSet, sync::Arc};

use super::set::{Bits, Set};
use crate::{
    hub::{
        core::Core,
        failure::Failure,
        ports::{LinkId, Links},
        record::Record,
        store::{Span, Store},
    },
    iothub::{ErrorCode, ModuleIdentity},
    query::Sieve,
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
        let there = self.store.scan(Span::ModulesOf(device), None, &Sieve::Anything, MOST).await?.records;
        for module in there.iter().filter_map(|record| record.link.module.as_ref()) {
            needed.remove(module);
        }
        if there.len() + needed.len() > MOST {
            let message = format!("device {device} would have more than {MOST} modules");
            return Err(Failure::new(ErrorCode::TooManyModulesOnDevice, message));
        }
        for module in needed {
            let link = LinkId { device: device.clone(), module: Some(module) };
            let body = ModuleIdentity { managed_by: Some(MANAGER.to_owned()), ..ModuleIdentity::default() };
            match self.create_module(&link, &body, None).await {
                // Somebody else may have made it in the meantime.
                Err(Failure { code: ErrorCode::ModuleAlreadyExistsOnDevice, .. }) | Ok(_) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }
}
