//! Identities and direct methods.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    answer,
    http::{Call, Verb},
    hub::{HubClient, MethodAnswer, call, path},
};
use crate::{
    fleet::{IdentityKind, IdentitySpec},
    iothub::DeviceIdentity,
    reconcile::ports::HubError,
    twin::DeviceId,
};

/// How much longer than the hub we wait for a method's answer.
const MARGIN: Duration = Duration::from_secs(15);

impl HubClient {
    /// A device's identity, keys included if the policy may see them; `None` when the hub does not know it (protocol
    /// reference 3.1).
    ///
    /// # Errors
    /// As the hub answers.
    pub async fn identity(&self, device: &DeviceId) -> Result<Option<DeviceIdentity>, HubError> {
        let reply = self.send(call(Verb::Get, path("devices", device, "")?)).await?;
        match answer::body(reply) {
            Ok(text) => read(&text).map(Some),
            Err(HubError::NoDevice) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Registers a device; keys are the hub's to make. Never changes one that exists (protocol reference 2.5).
    ///
    /// # Errors
    /// [`HubError::Exists`], and as the hub answers.
    pub async fn create(&self, device: &DeviceId, identity: &IdentitySpec) -> Result<DeviceIdentity, HubError> {
        let body = Some(Bytes::from(new_identity(device, identity).to_string()));
        let call = Call { body, ..call(Verb::Put, path("devices", device, "")?) };
        read(&answer::body(self.send(call).await?)?)
    }

    /// Removes a device, its twin and its modules; whether it was there.
    ///
    /// # Errors
    /// As the hub answers.
    pub async fn delete_identity(&self, device: &DeviceId) -> Result<bool, HubError> {
        let call = Call { if_match: Some("*"), ..call(Verb::Delete, path("devices", device, "")?) };
        match answer::body(self.send(call).await?) {
            Ok(_) => Ok(true),
            Err(HubError::NoDevice) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Calls a direct method of a device, once: methods are not repeated (protocol reference 7). The hub waits
    /// `connect` (at most 300 s) for the device to come online and `response` (5 to 300 s) for its answer.
    ///
    /// # Errors
    /// As the hub answers; [`HubError::Refused`] when the device is not online or does not answer.
    pub async fn invoke_method(
        &self,
        device: &DeviceId,
        method: &str,
        payload: &Value,
        connect: Duration,
        response: Duration,
    ) -> Result<MethodAnswer, HubError> {
        let body = json!({
            "methodName": method, "payload": payload,
            "responseTimeoutInSeconds": response.as_secs(), "connectTimeoutInSeconds": connect.as_secs(),
        });
        let call = Call {
            body: Some(body.to_string().into()),
            timeout: Some(connect + response + MARGIN),
            ..call(Verb::Post, path("twins", device, "/methods")?)
        };
        read(&answer::body(self.send(call).await?)?)
    }
}

/// Empty keys ask the hub to make some (protocol reference 1.4).
fn new_identity(device: &DeviceId, identity: &IdentitySpec) -> Value {
    let authentication = match identity.kind {
        IdentityKind::Sas => json!({ "type": "sas", "symmetricKey": { "primaryKey": "", "secondaryKey": "" } }),
        IdentityKind::SelfSigned => json!({ "type": "selfSigned", "x509Thumbprint": {
            "primaryThumbprint": identity.primary_thumbprint, "secondaryThumbprint": identity.secondary_thumbprint,
        } }),
        IdentityKind::CertificateAuthority => json!({ "type": "certificateAuthority" }),
    };
    json!({ "deviceId": device, "status": "enabled", "authentication": authentication })
}

fn read<T: serde::de::DeserializeOwned>(text: &[u8]) -> Result<T, HubError> {
    serde_json::from_slice(text).map_err(|error| HubError::Answer(Box::new(error)))
}
