//! Registrations: what devices ask, what is kept, and what devices and operators see of it (protocol reference 13.1).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::enrollment::next_etag;
use crate::{
    hub::{failure::Failure, hex::hex, random},
    iothub::{ETag, ErrorCode, RegistrationId},
};

/// How many of a registration's operations are known: a device whose request was sent twice asks for either.
const OPERATIONS: usize = 4;
/// Longest model id, in characters.
const MODEL: usize = 128;

/// What a device says when it registers. Payloads for functions are not looked at: there are none.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RegistrationBody {
    registration_id: Option<String>,
    payload: Option<Value>,
}

impl RegistrationBody {
    /// Reads a body; none at all is as good as an empty one.
    pub(crate) fn parse(body: &[u8], id: &RegistrationId) -> Result<Self, Failure> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let read: Self = serde_json::from_slice(body)
            .map_err(|error| Failure::invalid(format!("the body is no registration: {error}")))?;
        match &read.registration_id {
            Some(other) if !other.is_empty() && !id.is(other) => {
                Err(Failure::invalid(format!("the body is for another registration than `{id}`")))
            }
            _ => Ok(read),
        }
    }

    /// The Plug and Play model that the device follows.
    pub(crate) fn model_id(&self) -> Option<&str> {
        let model = self.payload.as_ref()?.get("modelId")?.as_str()?;
        (!model.is_empty() && model.chars().count() <= MODEL).then_some(model)
    }
}

/// How a registration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RegistrationStatus {
    Assigned,
    Disabled,
}

/// How it came to the device it is assigned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Substatus {
    /// For the first time.
    InitialAssignment,
    /// Again, and the twin stayed.
    DeviceDataMigrated,
    /// Again, and the twin fell back to the initial one.
    DeviceDataReset,
}

/// `registrationState`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Registration")]
pub(crate) struct RegistrationState {
    pub(crate) registration_id: String,
    pub(crate) created_date_time_utc: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) assigned_hub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device_id: Option<String>,
    pub(crate) status: RegistrationStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) substatus: Option<Substatus>,
    pub(crate) last_updated_date_time_utc: String,
    pub(crate) etag: ETag,
}

/// A registration as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registration {
    /// The last ones, oldest first.
    operations: Vec<String>,
    /// The group it belongs to, by the key of its id.
    pub(crate) group: Option<String>,
    pub(crate) state: RegistrationState,
}

impl Registration {
    /// What follows an earlier one.
    pub(crate) fn next(
        id: &RegistrationId,
        group: Option<String>,
        status: RegistrationStatus,
        old: Option<&Self>,
        time: &str,
    ) -> Result<Self, Failure> {
        let mut operations = old.map(|old| old.operations.clone()).unwrap_or_default();
        operations.drain(..operations.len().saturating_sub(OPERATIONS - 1));
        operations.push(operation()?);
        let created = old.map_or(time, |old| &old.state.created_date_time_utc);
        let registration_id = old.map_or_else(|| id.to_string(), |old| old.state.registration_id.clone());
        let state = RegistrationState {
            registration_id,
            created_date_time_utc: created.to_owned(),
            assigned_hub: None,
            device_id: None,
            status,
            substatus: None,
            last_updated_date_time_utc: time.to_owned(),
            etag: next_etag()?,
        };
        Ok(Self { operations, group, state })
    }

    /// Reads a document.
    pub(crate) fn read(body: &str) -> Result<Self, Failure> {
        serde_json::from_str(body).map_err(|error| {
            tracing::error!(%error, "a registration cannot be read");
            Failure::new(ErrorCode::ServerError, "the hub's copy of this registration cannot be read")
        })
    }

    /// For the store.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The one under which the device asks for the outcome.
    pub(crate) fn operation(&self) -> &str {
        self.operations.last().map(String::as_str).unwrap_or_default()
    }

    /// Whether it came of this operation.
    pub(crate) fn came_of(&self, operation: &str) -> bool {
        self.operations.iter().any(|known| known == operation)
    }

    /// The answer to a device that registers.
    pub(crate) fn assigning(&self) -> String {
        json!({ "operationId": self.operation(), "status": "assigning" }).to_string()
    }

    /// The answer to a device that asks how it went.
    pub(crate) fn outcome(&self, operation: &str) -> String {
        json!({ "operationId": operation, "status": self.state.status, "registrationState": self.state }).to_string()
    }
}

/// A name nobody can foresee.
fn operation() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    random::fill(&mut bytes)?;
    Ok(format!("4.{}", hex(&bytes)))
}
