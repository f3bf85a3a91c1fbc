//! Where the next page of documents begins: `x-ms-continuation`, opaque to clients.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::token::print;
use crate::hub::failure::Failure;

/// A place in the documents that one request goes through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::hub::core) struct Mark {
    /// How many rows went before.
    pub(in crate::hub::core) rows: u64,
    /// The document that was looked at last; empty at the beginning.
    pub(in crate::hub::core) after: String,
}

impl Mark {
    /// The token of a place; good for the request `asked` only.
    pub(in crate::hub::core) fn token(&self, asked: &str) -> String {
        STANDARD.encode(format!("1 {} {} {}", print(asked), self.rows, self.after))
    }

    /// Reads a token.
    pub(in crate::hub::core) fn parse(token: &str, asked: &str) -> Result<Self, Failure> {
        let read = || {
            let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
            let mut parts = text.splitn(4, ' ');
            let ours = parts.next()? == "1" && parts.next()? == print(asked);
            let (rows, after) = (parts.next()?.parse().ok()?, parts.next()?.to_owned());
            ours.then_some(Self { rows, after })
        };
        let message = "x-ms-continuation is not one that this hub gave for this request; start again without it";
        read().ok_or_else(|| Failure::invalid(message))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_mark_is_found_again_for_the_same_request_only(rows in any::<u64>(), after in "[a-z0-9/ $-]{0,20}", junk in any::<String>()) {
            let mark = Mark { rows, after };
            prop_assert_eq!(Mark::parse(&mark.token("a"), "a"), Ok(mark.clone()));
            prop_assert!(Mark::parse(&mark.token("a"), "b").is_err());
            prop_assert!(Mark::parse(&junk, "").is_err());
        }
    }
}
