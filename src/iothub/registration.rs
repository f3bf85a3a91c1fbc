//! Who registers with a provisioning service: ids, and the user name of an MQTT CONNECT (protocol reference 13.1,
//! 13.3).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::escape;

/// Longest id, in characters.
const LONGEST: usize = 128;
/// What stands between id scope and id.
const REGISTRATIONS: &str = "registrations";

/// The name of a registration, an enrolment or an enrolment group: 1 to 128 letters, digits and `- . _ :`, the last one
/// a letter, a digit or a dash. Letter case does not count, and is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegistrationId(String);

/// Why a text is no registration id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RegistrationIdError {
    /// Nothing, or too much.
    #[error("a registration id has 1 to {LONGEST} characters; this one has {0}")]
    Length(usize),
    /// A character outside the set.
    #[error("`{0}` cannot be part of a registration id; letters, digits and - . _ : can")]
    Character(char),
    /// The last character is punctuation.
    #[error("a registration id ends in a letter, a digit or a dash")]
    End,
}

impl RegistrationId {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(text: &str) -> Result<Self, RegistrationIdError> {
        if text.is_empty() || text.len() > LONGEST {
            return Err(RegistrationIdError::Length(text.chars().count()));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
        match text.chars().find(|c| !fits(*c)) {
            Some(c) => Err(RegistrationIdError::Character(c)),
            None if text.ends_with(['.', '_', ':']) => Err(RegistrationIdError::End),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The name as it was written; group keys are derived from this spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The one spelling under which it is known.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// Whether a text names the same.
    pub fn is(&self, text: &str) -> bool {
        self.0.eq_ignore_ascii_case(text)
    }
}

impl PartialEq for RegistrationId {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl Eq for RegistrationId {}

impl FromStr for RegistrationId {
    type Err = RegistrationIdError;

    fn from_str(text: &str) -> Result<Self, RegistrationIdError> {
        Self::new(text)
    }
}

impl TryFrom<String> for RegistrationId {
    type Error = RegistrationIdError;

    fn try_from(text: String) -> Result<Self, RegistrationIdError> {
        Self::new(&text)
    }
}

impl From<RegistrationId> for String {
    fn from(id: RegistrationId) -> Self {
        id.0
    }
}

impl fmt::Display for RegistrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a user name is not that of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RegistrantNameError {
    /// Not of the form.
    #[error("a user name reads `{{idScope}}/registrations/{{registrationId}}/api-version=…&ClientVersion=…`")]
    Form,
    /// The id is none.
    #[error(transparent)]
    Id(#[from] RegistrationIdError),
    /// A parameter's encoding does not make text.
    #[error("the user name's `{0}` cannot be read")]
    Unreadable(&'static str),
}

/// The user name with which a device connects in order to register. The client id is the registration id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrantName {
    /// Which provisioning service is meant.
    pub id_scope: String,
    /// Who registers.
    pub id: RegistrationId,
    /// Which edition of the protocol.
    pub api_version: Option<String>,
    /// The SDK and its version.
    pub client_version: Option<String>,
}

impl FromStr for RegistrantName {
    type Err = RegistrantNameError;

    /// There is no `?` before the parameters; one that stands there is skipped.
    fn from_str(text: &str) -> Result<Self, RegistrantNameError> {
        let mut parts = text.splitn(4, '/');
        let (scope, word, id) = (parts.next(), parts.next(), parts.next());
        let (Some(scope), Some(REGISTRATIONS), Some(id)) = (scope, word, id) else {
            return Err(RegistrantNameError::Form);
        };
        if scope.is_empty() {
            return Err(RegistrantNameError::Form);
        }
        let rest = parts.next().unwrap_or_default();
        let rest = rest.strip_prefix('?').unwrap_or(rest);
        Ok(Self {
            id_scope: scope.to_owned(),
            id: RegistrationId::new(id)?,
            api_version: parameter(rest, "api-version")?,
            client_version: parameter(rest, "ClientVersion")?,
        })
    }
}

fn parameter(parameters: &str, name: &'static str) -> Result<Option<String>, RegistrantNameError> {
    let value = escape::pairs(parameters).find(|(key, _)| *key == name).and_then(|(_, value)| value);
    let value = value.filter(|value| !value.is_empty());
    value.map(|value| escape::decode(value).ok_or(RegistrantNameError::Unreadable(name))).transpose()
}

impl fmt::Display for RegistrantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{REGISTRATIONS}/{}/", self.id_scope, self.id)?;
        let mut between = "";
        for (name, value) in [("api-version", &self.api_version), ("ClientVersion", &self.client_version)] {
            if let Some(value) = value {
                write!(f, "{between}{name}={}", escape::encode(value))?;
                between = "&";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn user_names_of_the_sdks_are_understood() {
        for text in [
            "0ne0001/registrations/R1/api-version=2019-03-31&ClientVersion=azure-iot-device%2F1.18.4",
            "0ne0001/registrations/r1/?api-version=2019-03-31&ClientVersion=azure-iot-device/1.18.4&x=y",
        ] {
            let name: RegistrantName = text.parse().unwrap();
            assert_eq!((name.id_scope.as_str(), name.id.is("r1")), ("0ne0001", true), "{text}");
            assert_eq!(name.api_version.as_deref(), Some("2019-03-31"));
            assert_eq!(name.client_version.as_deref(), Some("azure-iot-device/1.18.4"));
        }
        assert!("0ne/registrations/r1".parse::<RegistrantName>().is_ok());
        for text in
            ["", "hub/d1/?api-version=1", "/registrations/r1/", "0ne/registrations//x", "0ne/registrations/a b/"]
        {
            assert!(text.parse::<RegistrantName>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_are_bounded_and_have_no_letter_case() {
        assert_eq!(RegistrationId::new("Dev-1.a_b:c"), RegistrationId::new("dev-1.A_B:C"));
        assert_eq!(RegistrationId::new("Dev-1").unwrap().key(), "dev-1");
        assert!(RegistrationId::new(&"x".repeat(128)).is_ok());
        assert_eq!(RegistrationId::new(&"x".repeat(129)), Err(RegistrationIdError::Length(129)));
        assert_eq!(RegistrationId::new(""), Err(RegistrationIdError::Length(0)));
        assert_eq!(RegistrationId::new("a/b"), Err(RegistrationIdError::Character('/')));
        assert_eq!(RegistrationId::new("a."), Err(RegistrationIdError::End));
    }

    proptest! {
        #[test]
        fn user_names_round_trip(
            id_scope in "0ne[0-9A-F]{8}",
            id in "[a-zA-Z0-9._:-]{0,20}[a-z0-9-]",
            api_version in option::of(".{1,9}"),
            client_version in option::of(".{1,9}"),
        ) {
            let name = RegistrantName { id_scope, id: RegistrationId::new(&id).unwrap(), api_version, client_version };
            prop_assert_eq!(name.to_string().parse::<RegistrantName>(), Ok(name));
        }

        #[test]
        fn no_text_makes_the_parser_panic(
            text in any::<String>(),
            parts in "(0ne|registrations|/|\\?|&|=|api-version|%f|a|:){0,14}",
        ) {
            for text in [&text, &parts] {
                let _ = text.parse::<RegistrantName>();
                let _ = text.parse::<RegistrationId>();
            }
        }
    }
}
