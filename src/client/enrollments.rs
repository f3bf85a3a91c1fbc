//! Enrolments of a hub's provisioning service (protocol reference 13.3).

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    answer,
    http::Verb,
    hub::{API_VERSION, HubClient, call},
};
use crate::{
    iothub::{RegistrationId, SymmetricKey},
    reconcile::ports::HubError,
    twin::DeviceId,
};

/// Who is enrolled.
#[derive(Debug, Clone, Copy)]
pub enum EnrollmentOf<'a> {
    /// One device, under this registration id.
    Device(&'a RegistrationId),
    /// A group of them.
    Group(&'a RegistrationId),
}

/// How devices of an enrolment prove themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enrolled {
    /// By these keys, or keys that are derived from them.
    Keys(SymmetricKey),
    /// By a certificate, or one of this authority; the SHA-256 thumbprint.
    Certificate(String),
}

#[derive(Deserialize)]
struct Answer {
    attestation: Value,
}

impl EnrollmentOf<'_> {
    fn path(self, rest: &str) -> String {
        let (collection, id) = match self {
            Self::Device(id) => ("enrollments", id),
            Self::Group(id) => ("enrollmentGroups", id),
        };
        let id = utf8_percent_encode(id.as_str(), NON_ALPHANUMERIC);
        format!("/{collection}/{id}{rest}?{API_VERSION}")
    }

    fn body(self, device: Option<&DeviceId>, certificate: Option<&str>) -> Value {
        let attestation = match (self, certificate) {
            (_, None) => json!({ "type": "symmetricKey" }),
            (Self::Device(_), Some(text)) => {
                json!({ "type": "x509", "x509": { "clientCertificates": { "primary": { "certificate": text } } } })
            }
            (Self::Group(_), Some(text)) => {
                json!({ "type": "x509", "x509": { "signingCertificates": { "primary": { "certificate": text } } } })
            }
        };
        json!({ "deviceId": device, "attestation": attestation })
    }
}

impl HubClient {
    /// Enrols a device or a group, by a certificate (PEM) or, without one, by keys of the hub's making. Never changes an
    /// enrolment that exists.
    ///
    /// # Errors
    /// [`HubError::Exists`], and as the hub answers.
    pub async fn enroll(
        &self,
        who: EnrollmentOf<'_>,
        device: Option<&DeviceId>,
        certificate: Option<&str>,
    ) -> Result<Enrolled, HubError> {
        let mut call = call(Verb::Put, who.path(""));
        call.body = Some(who.body(device, certificate).to_string().into());
        let Answer { attestation } = read(&answer::body(self.send(call).await?)?)?;
        enrolled(&attestation)
    }

    /// How devices of an enrolment prove themselves; `None` when there is no such enrolment.
    ///
    /// # Errors
    /// As the hub answers.
    pub async fn attestation(&self, who: EnrollmentOf<'_>) -> Result<Option<Enrolled>, HubError> {
        let call = call(Verb::Post, who.path("/attestationmechanism"));
        match answer::body(self.send(call).await?) {
            Ok(text) => enrolled(&read::<Value>(&text)?).map(Some),
            Err(HubError::NoDevice) => Ok(None),
            Err(other) => Err(other),
        }
    }
}

fn enrolled(attestation: &Value) -> Result<Enrolled, HubError> {
    if let Some(keys) = attestation.get("symmetricKey").filter(|keys| !keys.is_null()) {
        return read(keys.to_string().as_bytes()).map(Enrolled::Keys);
    }
    let x509 = attestation.get("x509").and_then(Value::as_object);
    let certificates = x509.into_iter().flat_map(|members| members.values());
    let print = certificates.filter_map(|of| of.pointer("/primary/info/sha256Thumbprint")).find_map(Value::as_str);
    let print = print.ok_or_else(|| HubError::Answer("the enrolment has neither keys nor a certificate".into()))?;
    Ok(Enrolled::Certificate(print.to_owned()))
}

fn read<T: serde::de::DeserializeOwned>(text: &[u8]) -> Result<T, HubError> {
    serde_json::from_slice(text).map_err(|error| HubError::Answer(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enrolment_is_asked_for_where_it_is() {
        let id = RegistrationId::new("a:b").unwrap();
        assert_eq!(EnrollmentOf::Device(&id).path(""), "/enrollments/a%3Ab?api-version=2021-04-12");
        assert_eq!(EnrollmentOf::Group(&id).path("/x"), "/enrollmentGroups/a%3Ab/x?api-version=2021-04-12");
    }

    #[test]
    fn keys_and_thumbprints_are_found() {
        let keys = enrolled(&json!({"type": "symmetricKey", "symmetricKey": {"primaryKey": "a", "secondaryKey": "b"}}));
        assert!(matches!(keys, Ok(Enrolled::Keys(keys)) if keys.primary_key.is_some()));
        let info = json!({"primary": {"info": {"sha256Thumbprint": "AB"}}});
        let found = enrolled(&json!({"type": "x509", "x509": {"signingCertificates": info}}));
        assert_eq!(found.unwrap(), Enrolled::Certificate("AB".to_owned()));
        assert!(enrolled(&json!({"type": "x509"})).is_err() && enrolled(&Value::Null).is_err());
    }
}
