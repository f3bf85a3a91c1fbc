//! Where one value of a twin lies.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The three parts of a twin that hold values of users and devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// `tags`: for the operator alone; devices never see them.
    Tags,
    /// `properties.desired`: what the device should be.
    Desired,
    /// `properties.reported`: what the device says it is.
    Reported,
}

impl Section {
    /// The dotted prefix of every path of this section.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Tags => "tags",
            Self::Desired => "properties.desired",
            Self::Reported => "properties.reported",
        }
    }

    /// A path of this section.
    pub fn path<K: Into<Arc<str>>>(self, keys: impl IntoIterator<Item = K>) -> PropertyPath {
        PropertyPath { section: self, keys: keys.into_iter().map(Into::into).collect() }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix())
    }
}

/// The way to one value of a twin, written `properties.desired.windows.timeInfo.ntpServer`.
///
/// Dots never need quoting: no key of a twin may hold one (protocol reference 5.5).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PropertyPath {
    /// The part of the twin.
    pub section: Section,
    /// The keys below it, outermost first. Empty for the section itself.
    pub keys: Vec<Arc<str>>,
}

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a path of a twin; one starts with `tags`, `properties.desired` or `properties.reported`")]
pub struct PathError(String);

impl PropertyPath {
    /// This path and one key more.
    #[must_use]
    pub fn child(&self, key: &str) -> Self {
        let mut keys = Vec::with_capacity(self.keys.len() + 1);
        keys.extend_from_slice(&self.keys);
        keys.push(key.into());
        Self { section: self.section, keys }
    }

    /// The path without its last key; `None` for the section itself.
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = self.keys.split_last()?;
        Some(Self { section: self.section, keys: rest.to_vec() })
    }

    /// Whether this path is `other` or lies below it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.section == other.section && self.keys.starts_with(&other.keys)
    }

    /// The keys alone, joined by dots: `windows.timeInfo.ntpServer`.
    pub fn short(&self) -> String {
        self.keys.join(".")
    }
}

impl fmt::Display for PropertyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.section.prefix())?;
        self.keys.iter().try_for_each(|key| write!(f, ".{key}"))
    }
}

impl FromStr for PropertyPath {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, PathError> {
        for section in [Section::Tags, Section::Desired, Section::Reported] {
            if let Some(rest) = text.strip_prefix(section.prefix()) {
                match rest.strip_prefix('.') {
                    None if rest.is_empty() => return Ok(Self { section, keys: Vec::new() }),
                    Some(keys) => return Ok(section.path(keys.split('.'))),
                    None => {}
                }
            }
        }
        Err(PathError(text.to_owned()))
    }
}

impl Serialize for PropertyPath {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PropertyPath {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(input)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_read_as_it_is_written() {
        for text in ["tags", "tags.site", "properties.desired.windows.timeInfo", "properties.reported"] {
            assert_eq!(text.parse::<PropertyPath>().map(|p| p.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_text_that_only_begins_like_a_section_is_refused() {
        for text in ["", "tagsy.x", "properties", "desired.x"] {
            assert_eq!(text.parse::<PropertyPath>(), Err(PathError(text.to_owned())));
        }
    }

    #[test]
    fn a_path_lies_within_itself_and_its_parents() {
        let path: PropertyPath = "properties.desired.a.b".parse().unwrap();
        assert!(path.is_within(&path));
        assert!(path.is_within(&path.parent().unwrap()));
        assert!(!path.parent().unwrap().is_within(&path));
        assert!(!path.is_within(&"tags".parse().unwrap()));
    }
}
