//! Certificates of authorities that vouch for devices, as REST bodies (protocol reference 1.5). The form is that of
//! Azure's certificate resource.

use serde::{Deserialize, Serialize};

use super::etag::ETag;

/// An authority's certificate under the name that an operator gave it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct CertificateResource {
    /// The name.
    pub name: String,
    /// The edition; ignored when written.
    pub etag: ETag,
    /// What it says, and what the hub makes of it.
    pub properties: CertificateProperties,
}

/// What an authority's certificate says, and what the hub makes of it. Dates are ISO 8601 texts in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct CertificateProperties {
    /// The certificate: base64 of its DER. PEM, and base64 of that, is read as well.
    pub certificate: String,
    /// Whether it is known that whoever registered it has its key; only then does it vouch for devices. Whoever
    /// registers it may say that it is so.
    #[serde(deserialize_with = "null_is_default")]
    pub is_verified: bool,
    /// Whose it is.
    pub subject: String,
    /// When it ends.
    pub expiry: String,
    /// SHA-1 of its DER, in hexadecimal digits.
    pub thumbprint: String,
    /// When it was registered.
    pub created: String,
    /// When it was last changed.
    pub updated: String,
    /// What a certificate of this authority must be called to prove that its key is at hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_code: Option<String>,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct CertificateList {
    /// In the order of their names.
    pub value: Vec<CertificateResource>,
}

fn null_is_default<'de, T: Deserialize<'de> + Default, D: serde::Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_may_say_little_and_an_answer_is_read_as_it_was_written() {
        let body = r#"{"properties":{"certificate":"AA==","isVerified":null,"other":1}}"#;
        let read: CertificateResource = serde_json::from_str(body).unwrap();
        assert_eq!((read.properties.certificate.as_str(), read.properties.is_verified), ("AA==", false));
        let text = serde_json::to_string(&read).unwrap();
        assert!(!text.contains("verificationCode"));
        assert_eq!(serde_json::from_str::<CertificateResource>(&text).unwrap(), read);
    }
}
