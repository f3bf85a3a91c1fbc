//! Records of modules: an identity of their own, and the status of the device that they are on.

use serde::{Deserialize, Serialize};

use super::{Corrupt, LinkId, Record};
use crate::iothub::{DeviceIdentity, DeviceStatus, ModuleIdentity};

/// What a module takes over from its device, so that whoever looks at a module need not look at the device too. Kept
/// the same by writing both in one batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Standing {
    status: DeviceStatus,
    status_reason: Option<String>,
    status_updated_time: String,
}

/// As it is stored: readable as either identity.
#[derive(Serialize)]
struct Kept<'a> {
    #[serde(flatten)]
    module: &'a ModuleIdentity,
    #[serde(flatten)]
    standing: &'a Standing,
}

impl Standing {
    /// Of a device, or of a module's record read as one.
    pub(crate) fn of(identity: &DeviceIdentity) -> Self {
        Self {
            status: identity.status,
            status_reason: identity.status_reason.clone(),
            status_updated_time: identity.status_updated_time.clone(),
        }
    }
}

impl Record {
    /// A new module with an empty twin.
    pub(crate) fn fresh_module(
        link: LinkId,
        module: &ModuleIdentity,
        standing: &Standing,
        ticks: u64,
        time: &str,
    ) -> Result<Self, serde_json::Error> {
        let text = serde_json::to_string(&Kept { module, standing })?;
        Ok(Self::empty(link, text.into(), standing.status, ticks, time))
    }

    /// The identity of a module as it was written.
    pub(crate) fn module(&self) -> Result<ModuleIdentity, Corrupt> {
        serde_json::from_str(&self.identity).map_err(Corrupt)
    }

    /// What a module has of its device; a device's own.
    pub(crate) fn standing(&self) -> Result<Standing, Corrupt> {
        self.identity().map(|identity| Standing::of(&identity))
    }

    /// Puts another identity in the place of a module's.
    pub(crate) fn set_module(&mut self, module: &ModuleIdentity, standing: &Standing) -> Result<(), serde_json::Error> {
        self.identity = serde_json::to_string(&Kept { module, standing })?.into();
        self.enabled = standing.status == DeviceStatus::Enabled;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{iothub::ETag, twin::DeviceId};

    #[test]
    fn a_module_has_the_status_of_its_device_and_an_etag_of_its_own() {
        let device = DeviceIdentity {
            status: DeviceStatus::Disabled,
            status_reason: Some("stolen".to_owned()),
            etag: ETag::of_identity(1),
            ..DeviceIdentity::default()
        };
        let module = ModuleIdentity {
            device_id: "d1".to_owned(),
            module_id: "m1".to_owned(),
            etag: ETag::of_identity(2),
            ..ModuleIdentity::default()
        };
        let link = LinkId { device: DeviceId::new("d1").unwrap(), module: Some("m1".into()) };
        let mut record = Record::fresh_module(link, &module, &Standing::of(&device), 7, "T").unwrap();
        assert!(!record.enabled);
        assert_eq!(record.module().unwrap(), module);
        let seen = record.identity().unwrap();
        assert_eq!((seen.status_reason.as_deref(), &seen.etag), (Some("stolen"), &module.etag));
        assert_eq!(record.standing().unwrap(), Standing::of(&device));
        record.set_module(&module, &Standing::of(&DeviceIdentity::default())).unwrap();
        assert!(record.enabled);
    }
}
