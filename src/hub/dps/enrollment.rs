//! Enrolments as bodies and as documents (protocol reference 13.3).

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::attestation::Attestation;
use crate::{
    hub::{
        failure::Failure,
        ports::LinkId,
        random,
        record::{Mode, Record, TwinWrite},
        store::Kind,
    },
    iothub::{Capabilities, DeviceIdentity, ETag, IfMatch, RegistrationId},
    twin::{DeviceId, Map},
};

/// For whom an enrolment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breed {
    /// One device.
    Individual,
    /// All that prove themselves in the same way.
    Group,
}

impl Breed {
    /// Of the documents.
    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Individual => Kind::Enrollment,
            Self::Group => Kind::EnrollmentGroup,
        }
    }

    /// What queries call them.
    pub(crate) const fn source(self) -> &'static str {
        match self {
            Self::Individual => "enrollments",
            Self::Group => "enrollmentGroups",
        }
    }
}

/// An enrolment of either breed; one of the two ids is there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Enrollment {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "empty_is_none")]
    registration_id: Option<String>,
    #[serde(rename = "enrollmentGroupId", skip_serializing_if = "Option::is_none", deserialize_with = "empty_is_none")]
    group_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "empty_is_none")]
    pub(crate) device_id: Option<String>,
    pub(crate) attestation: Option<Attestation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) capabilities: Option<Capabilities>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "empty_is_none")]
    pub(crate) iot_hub_host_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Map>")]
    initial_twin: Option<Value>,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) etag: ETag,
    #[serde(deserialize_with = "null_is_default")]
    provisioning_status: ProvisioningStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    reprovision_policy: Option<ReprovisionPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allocation_policy: Option<AllocationPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iot_hubs: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    optional_device_information: Option<Value>,
    #[serde(deserialize_with = "null_is_default")]
    created_date_time_utc: String,
    #[serde(deserialize_with = "null_is_default")]
    last_updated_date_time_utc: String,
}

/// Whether devices may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum ProvisioningStatus {
    #[default]
    Enabled,
    Disabled,
}

/// What becomes of a device that registers again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ReprovisionPolicy {
    /// Whether anything does.
    pub(crate) update_hub_assignment: bool,
    /// Whether its twin stays; otherwise it falls back to the initial one.
    pub(crate) migrate_device_data: bool,
}

impl Default for ReprovisionPolicy {
    fn default() -> Self {
        Self { update_hub_assignment: true, migrate_device_data: true }
    }
}

/// Which of several hubs a device is assigned to; with one hub they are all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum AllocationPolicy {
    Hashed,
    #[serde(alias = "geolatency")]
    GeoLatency,
    Static,
    Custom,
}

fn null_is_default<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

fn empty_is_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Option::deserialize(from)?;
    Ok(text.filter(|text| !text.is_empty()))
}

impl Enrollment {
    /// The name that a body carries itself.
    pub(crate) fn id(&self, breed: Breed) -> Option<&str> {
        match breed {
            Breed::Individual => self.registration_id.as_deref(),
            Breed::Group => self.group_id.as_deref(),
        }
    }

    /// Reads a document.
    pub(crate) fn read(body: &str) -> Result<Self, Failure> {
        serde_json::from_str(body).map_err(|error| {
            tracing::error!(%error, "an enrolment cannot be read");
            Failure::new(crate::iothub::ErrorCode::ServerError, "the hub's copy of this enrolment cannot be read")
        })
    }

    /// For the store, keys included, and for whoever may see them.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// For whoever only reads: without keys.
    pub(crate) fn shown(&self) -> Self {
        Self { attestation: self.attestation.as_ref().map(Attestation::masked), ..self.clone() }
    }

    /// What is kept of a body: a full replacement, whatever was there before. `is_ours` tells the names of this hub.
    pub(crate) fn settle(
        self,
        breed: Breed,
        id: &RegistrationId,
        old: Option<&Self>,
        time: &str,
        is_ours: impl Fn(&str) -> bool,
    ) -> Result<Self, Failure> {
        self.check(breed, id, is_ours)?;
        let attestation = self.attestation.ok_or_else(|| Failure::invalid("attestation is missing"))?;
        let attestation = attestation.settle(breed, old.and_then(|old| old.attestation.as_ref()))?;
        let name = old.and_then(|old| old.id(breed)).map_or_else(|| id.to_string(), str::to_owned);
        let is_individual = breed == Breed::Individual;
        Ok(Self {
            registration_id: is_individual.then(|| name.clone()),
            group_id: (!is_individual).then_some(name),
            device_id: self.device_id.filter(|_| is_individual),
            attestation: Some(attestation),
            etag: next_etag()?,
            reprovision_policy: Some(self.reprovision_policy.unwrap_or_default()),
            created_date_time_utc: old.map_or_else(|| time.to_owned(), |old| old.created_date_time_utc.clone()),
            last_updated_date_time_utc: time.to_owned(),
            ..self
        })
    }

    fn check(&self, breed: Breed, id: &RegistrationId, is_ours: impl Fn(&str) -> bool) -> Result<(), Failure> {
        if let Some(other) = self.id(breed).filter(|own| !id.is(own)) {
            return Err(Failure::invalid(format!("the body names `{other}`, the path `{id}`; they must be the same")));
        }
        if let Some(device) = self.device_id.as_deref() {
            DeviceId::new(device).map_err(|error| Failure::invalid(format!("deviceId: {error}")))?;
        }
        let named = self.iot_hub_host_name.iter().chain(self.iot_hubs.iter().flatten());
        if let Some(other) = named.into_iter().find(|name| !is_ours(name)) {
            let message = format!("`{other}` is not this hub, and devices can be assigned to this hub only");
            return Err(Failure::invalid(message));
        }
        if self.allocation_policy == Some(AllocationPolicy::Custom) {
            return Err(Failure::invalid("allocationPolicy: this provisioning service calls no function; use hashed"));
        }
        self.check_initial_twin()
    }

    /// What a hub would not keep is refused here, and not when the first device registers.
    fn check_initial_twin(&self) -> Result<(), Failure> {
        let Some(write) = self.initial_twin()? else { return Ok(()) };
        let link =
            LinkId { device: DeviceId::new("x").map_err(|error| Failure::invalid(error.to_string()))?, module: None };
        let fresh = Record::fresh(link, &DeviceIdentity::default(), 0, "");
        let mut fresh = fresh.map_err(|error| Failure::invalid(error.to_string()))?;
        write
            .apply(&mut fresh, "")
            .map(drop)
            .map_err(|failure| Failure { message: format!("initialTwin: {}", failure.message), ..failure })
    }

    /// The twin that a new device begins with.
    pub(crate) fn initial_twin(&self) -> Result<Option<TwinWrite>, Failure> {
        let Some(twin) = self.initial_twin.as_ref().filter(|twin| !twin.is_null()) else { return Ok(None) };
        TwinWrite::parse(twin.to_string().as_bytes(), Mode::Replace).map(Some)
    }

    /// Whether devices may register.
    pub(crate) fn is_enabled(&self) -> bool {
        self.provisioning_status == ProvisioningStatus::Enabled
    }

    /// What becomes of a device that registers again.
    pub(crate) fn reprovision_policy(&self) -> ReprovisionPolicy {
        self.reprovision_policy.unwrap_or_default()
    }

    /// The hub's name that devices are told, if the enrolment has one of its own.
    pub(crate) fn hub(&self) -> Option<&str> {
        self.iot_hub_host_name.as_deref().or_else(|| self.iot_hubs.as_ref()?.first().map(String::as_str))
    }

    /// The body of an answer about how devices prove themselves; keys included.
    pub(crate) fn mechanism(&self) -> String {
        self.attestation.as_ref().and_then(|attestation| serde_json::to_string(attestation).ok()).unwrap_or_default()
    }

    /// Whether a write may replace it.
    pub(crate) fn allows(&self, if_match: Option<&IfMatch>) -> bool {
        if_match.is_none_or(|if_match| if_match.allows(&self.etag))
    }
}

/// Another one than any before, lest a stale `If-Match` pass after a re-creation.
pub(super) fn next_etag() -> Result<ETag, Failure> {
    let (high, low) = (random::number()?, random::number()?);
    Ok(ETag::new(format!("{high:08x}{low:08x}")))
}
