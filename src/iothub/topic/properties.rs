//! The property bag at the end of a message's topic (protocol reference 11.3).

use std::fmt;

use super::super::escape;
use super::TopicError;

/// Properties of a message, in order. A value may be empty (`key=`) or missing (`key`), which are two things.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Properties(Vec<(String, Option<String>)>);

impl Properties {
    /// Reads `k=v&k2=v2`, keys and values percent-encoded, `+` literal; a `?` in front and a `/` behind are dropped,
    /// as some senders put them there.
    ///
    /// # Errors
    ///
    /// When the encoding does not make text.
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        let text = text.strip_prefix('?').unwrap_or(text);
        let text = text.strip_suffix('/').unwrap_or(text);
        let decode = |text| escape::decode(text).ok_or(TopicError::Unreadable("properties"));
        escape::pairs(text)
            .map(|(key, value)| Ok((decode(key)?, value.map(decode).transpose()?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Adds a property behind the others.
    pub fn push(&mut self, key: impl Into<String>, value: Option<&str>) {
        self.0.push((key.into(), value.map(str::to_owned)));
    }

    /// The first value of a key, empty where there is a key without one.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_deref().unwrap_or_default())
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_deref()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Properties {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.into(), Some(value.into()))).collect())
    }
}

/// As they stand in a topic.
impl fmt::Display for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for (key, value) in &self.0 {
            write!(f, "{between}{}", escape::encode(key))?;
            if let Some(value) = value {
                write!(f, "={}", escape::encode(value))?;
            }
            between = "&";
        }
        Ok(())
    }
}
