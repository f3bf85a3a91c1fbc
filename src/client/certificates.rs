//! Certificates of authorities that vouch for devices.

use bytes::Bytes;
use percent_encoding::utf8_percent_encode;

use super::{
    answer,
    http::{Call, Verb},
    hub::{API_VERSION, HubClient, SEGMENT, call},
};
use crate::{
    iothub::{CertificateList, CertificateProperties, CertificateResource},
    reconcile::ports::HubError,
};

impl HubClient {
    /// All certificates of authorities that the hub has.
    ///
    /// # Errors
    /// As the hub answers.
    pub async fn certificates(&self) -> Result<Vec<CertificateResource>, HubError> {
        let reply = self.send(call(Verb::Get, format!("/certificates?{API_VERSION}"))).await?;
        let list: CertificateList = read(&answer::body(reply)?)?;
        Ok(list.value)
    }

    /// Registers the certificate of an authority as one whose key is in good hands: it vouches for devices at once.
    ///
    /// # Errors
    /// [`HubError::Exists`] when the name is taken, and as the hub answers.
    pub async fn add_certificate(&self, name: &str, pem: &str) -> Result<CertificateResource, HubError> {
        let properties = CertificateProperties {
            certificate: pem.to_owned(),
            is_verified: true,
            ..CertificateProperties::default()
        };
        let resource = CertificateResource { properties, ..CertificateResource::default() };
        let body = serde_json::to_vec(&resource).map_err(|error| HubError::Answer(Box::new(error)))?;
        let call = Call { body: Some(Bytes::from(body)), ..call(Verb::Put, path(name)?) };
        read(&answer::body(self.send(call).await?)?)
    }

    /// Removes the certificate of an authority.
    ///
    /// # Errors
    /// [`HubError::NoDevice`] when there is none of this name, and as the hub answers.
    pub async fn remove_certificate(&self, name: &str) -> Result<(), HubError> {
        let reply = self.send(call(Verb::Delete, path(name)?)).await?;
        answer::body(reply).map(drop)
    }
}

/// Two names mean folders in a URL, and would lead elsewhere.
fn path(name: &str) -> Result<String, HubError> {
    if matches!(name, "" | "." | "..") {
        return Err(HubError::Refused { status: 400, message: format!("a certificate cannot be called `{name}`") });
    }
    Ok(format!("/certificates/{}?{API_VERSION}", utf8_percent_encode(name, SEGMENT)))
}

fn read<T: serde::de::DeserializeOwned>(text: &[u8]) -> Result<T, HubError> {
    serde_json::from_slice(text).map_err(|error| HubError::Answer(Box::new(error)))
}
