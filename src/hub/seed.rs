//! Twins that a hub begins with: for one that stands in for another.

use serde_json::{Value, json};

use super::{
    error::HubError,
    failure::Failure,
    ports::{DeviceService as _, LinkId},
    record::Mode,
    server::Hub,
};
use crate::{
    iothub::{ErrorCode, Secret},
    twin::{DeviceId, Map},
};

impl Hub {
    /// Puts a device into the hub before it serves anybody, with a twin that it has elsewhere; times and versions are the
    /// hub's own. The device's connection string.
    ///
    /// # Errors
    /// When the store fails, or a section of the twin is more than a hub takes.
    pub async fn seed(&self, id: &DeviceId, tags: &Map, desired: &Map, reported: &Map) -> Result<Secret, HubError> {
        let connection = self.device_connection_string(id, true).await?;
        let link = LinkId { device: id.clone(), module: None };
        if !tags.is_empty() || !desired.is_empty() {
            let body = json!({ "tags": tags, "properties": { "desired": desired } }).to_string();
            let written = self.core.write_twin(&link, body.as_bytes(), Mode::Replace, None).await;
            written.map_err(HubError::device(id))?;
        }
        if !reported.is_empty() {
            let patch = Value::Object(reported.clone()).to_string();
            let reported = self.core.patch_reported(&link, patch.as_bytes(), None).await;
            let failed = |fault: super::ports::Fault| Failure::new(ErrorCode::ArgumentInvalid, fault.message);
            reported.map_err(failed).map_err(HubError::device(id))?;
        }
        Ok(connection)
    }
}
