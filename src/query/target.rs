//! Whom a configuration or a job is for.

use std::fmt;
use std::str::FromStr;

use super::condition::Condition;
use super::error::QueryError;
use super::parse;
use super::statement::Source;
use super::value::Fields;

/// The target of a configuration or a job (protocol reference 8.3, 9.1): `*` for every device, a bare condition over
/// devices, or `FROM devices.modules [WHERE condition]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    pub(super) source: Source,
    pub(super) condition: Option<Condition>,
}

impl Target {
    /// Reads a target.
    ///
    /// # Errors
    ///
    /// When the text is none of the three forms, or is over `devices.jobs`.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        parse::target(text)
    }

    /// Devices or modules.
    pub fn source(&self) -> Source {
        self.source
    }

    /// Which of them; all without one.
    pub fn condition(&self) -> Option<&Condition> {
        self.condition.as_ref()
    }

    /// Whether a document of [`Target::source`] is meant.
    pub fn matches(&self, fields: &impl Fields) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition.matches(fields))
    }
}

impl FromStr for Target {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        Self::parse(text)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.source, &self.condition) {
            (Source::Devices, None) => f.write_str("*"),
            (Source::Devices, Some(condition)) => write!(f, "{condition}"),
            (source, None) => write!(f, "FROM {source}"),
            (source, Some(condition)) => write!(f, "FROM {source} WHERE {condition}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_read_and_print() {
        for (text, canonical) in [
            (" * ", "*"),
            ("tags.a='x'", "tags.a = 'x'"),
            ("from devices.modules where moduleid = 'm'", "FROM devices.modules WHERE moduleId = 'm'"),
            ("FROM devices.modules", "FROM devices.modules"),
            ("from devices", "*"),
        ] {
            let target = Target::parse(text).unwrap();
            assert_eq!(target.to_string(), canonical);
            assert_eq!(Target::parse(canonical), Ok(target));
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in
            ["", "* AND tags.a = 1", "from devices.jobs", "from devices group by tags.a", "SELECT * FROM devices"]
        {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }
}
