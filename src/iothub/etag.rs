//! Etags and `If-Match` (protocol reference 2.5).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// The edition of an object, opaque to clients. Prints in quotes, as headers have it; bodies have it bare.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct ETag(String);

impl ETag {
    /// From a bare text, e.g. of a body.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A twin's: base64 of eight big-endian bytes, counted from 1.
    pub fn of_twin(counter: u64) -> Self {
        Self(STANDARD.encode(counter.to_be_bytes()))
    }

    /// An identity's or configuration's: base64 of the decimal digits.
    pub fn of_identity(counter: u64) -> Self {
        Self(STANDARD.encode(counter.to_string()))
    }

    /// The bare text, as bodies have it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a header or a body's member: quoted, bare or marked as weak.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let text = text.strip_prefix("W/").unwrap_or(text);
        let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        Self(inner.unwrap_or(text).to_owned())
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// An `If-Match` header. Every text is one: an etag that nobody knows fails the precondition, it is no bad request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// `*` or `"*"`: whatever is there, as long as something is.
    Any,
    /// Only this edition.
    Edition(ETag),
}

impl IfMatch {
    /// Reads the header's value.
    pub fn parse(header: &str) -> Self {
        let etag = ETag::parse(header);
        if etag.as_str() == "*" { Self::Any } else { Self::Edition(etag) }
    }

    /// Whether an object in this edition may be written.
    pub fn allows(&self, current: &ETag) -> bool {
        match self {
            Self::Any => true,
            Self::Edition(etag) => etag == current,
        }
    }
}

/// As a client sends it, always in quotes.
impl fmt::Display for IfMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("\"*\""),
            Self::Edition(etag) => write!(f, "{etag}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn etags_have_the_shapes_of_the_protocol() {
        assert_eq!(ETag::of_twin(1).to_string(), "\"AAAAAAAAAAE=\"");
        assert_eq!((ETag::of_identity(524_754).as_str(), ETag::of_identity(0).as_str()), ("NTI0NzU0", "MA=="));
    }

    #[test]
    fn a_star_is_a_star_with_and_without_quotes() {
        assert_eq!((IfMatch::parse("*"), IfMatch::parse("\"*\"")), (IfMatch::Any, IfMatch::Any));
        assert_eq!(IfMatch::Any.to_string(), "\"*\"");
    }

    #[test]
    fn quoted_and_bare_etags_are_the_same() {
        let current = ETag::new("MQ==");
        for header in ["MQ==", "\"MQ==\"", " W/\"MQ==\" "] {
            assert!(IfMatch::parse(header).allows(&current), "{header}");
        }
        assert!(!IfMatch::parse("\"abc\"").allows(&current) && !IfMatch::parse("").allows(&current));
    }

    proptest! {
        #[test]
        fn headers_round_trip_and_no_text_panics(text in any::<String>(), bare in "[a-zA-Z0-9+/=]{1,20}") {
            let _ = IfMatch::parse(&text).to_string();
            let etag = ETag::new(bare);
            prop_assert_eq!(IfMatch::parse(&etag.to_string()), IfMatch::Edition(etag));
        }
    }
}
