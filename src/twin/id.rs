//! Device ids that are known to be valid.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// Longest id that a hub takes, in characters.
const LONGEST: usize = 128;
/// What an id may hold besides ASCII letters and digits.
const PUNCTUATION: &str = "-:.+%_#*?!(),=@;$'";

/// The name of a device on its hub: 1 to 128 ASCII characters, case-sensitive (protocol reference 3.1).
///
/// Cheap to clone: copies share one allocation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct DeviceId(Arc<str>);

/// Why a text is no device id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing, or too much.
    #[error("a device id has 1 to {LONGEST} characters; this one has {0}")]
    Length(usize),
    /// A character outside the set.
    #[error("`{0}` cannot be part of a device id; letters, digits and {PUNCTUATION} can")]
    Character(char),
}

impl DeviceId {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// When the hub would refuse it.
    pub fn new(text: &str) -> Result<Self, IdError> {
        if text.is_empty() || text.len() > LONGEST {
            return Err(IdError::Length(text.chars().count()));
        }
        match text.chars().find(|c| !c.is_ascii_alphanumeric() && !PUNCTUATION.contains(*c)) {
            Some(c) => Err(IdError::Character(c)),
            None => Ok(Self(text.into())),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for DeviceId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Lets a map keyed by ids be asked with plain text.
impl std::borrow::Borrow<str> for DeviceId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for DeviceId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for DeviceId {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(input)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_characters_are_taken() {
        let id = "aZ09-:.+%_#*?!(),=@;$'";
        assert_eq!(DeviceId::new(id).map(|d| d.to_string()), Ok(id.to_owned()));
    }

    #[test]
    fn a_slash_a_space_and_an_umlaut_are_refused() {
        for (text, c) in [("a/b", '/'), ("a b", ' '), ("kühl", 'ü')] {
            assert_eq!(DeviceId::new(text), Err(IdError::Character(c)));
        }
    }

    #[test]
    fn length_is_1_to_128() {
        assert_eq!(DeviceId::new(""), Err(IdError::Length(0)));
        assert!(DeviceId::new(&"x".repeat(128)).is_ok());
        assert_eq!(DeviceId::new(&"x".repeat(129)), Err(IdError::Length(129)));
    }
}
