//! Queries of enrolments: all of them, or those that satisfy a condition; and where the next page begins.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{hub::failure::Failure, query::Condition};

/// Reads `SELECT * FROM {source} [WHERE …]`.
pub(crate) fn condition(text: &str, source: &str) -> Result<Option<Condition>, Failure> {
    let mut rest = text.trim();
    for word in ["SELECT", "*", "FROM", source] {
        rest = after(rest, word)
            .ok_or_else(|| Failure::invalid(format!("BadRequest: this query reads `SELECT * FROM {source}`")))?;
    }
    if rest.is_empty() {
        return Ok(None);
    }
    let condition = after(rest, "WHERE");
    let condition = condition.ok_or_else(|| Failure::invalid("BadRequest: nothing but WHERE follows the source"))?;
    Condition::parse(condition).map(Some).map_err(|error| Failure::invalid(format!("BadRequest: {error}")))
}

/// What follows a word, in any letter case.
fn after<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    let ends = word == "*" || rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace());
    (head.eq_ignore_ascii_case(word) && ends).then(|| rest.trim_start())
}

/// What was looked at last: `x-ms-continuation`, opaque to clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Continuation(pub(crate) String);

impl Continuation {
    /// The token of a place among the documents of `source`.
    pub(crate) fn token(&self, source: &str) -> String {
        STANDARD.encode(format!("1 {source} {}", self.0))
    }

    /// Reads a token.
    pub(crate) fn parse(token: &str, source: &str) -> Result<Self, Failure> {
        let read = || {
            let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
            let mut parts = text.splitn(3, ' ');
            let ours = parts.next()? == "1" && parts.next()? == source;
            ours.then(|| parts.next().map(|id| Self(id.to_owned())))?
        };
        read().ok_or_else(|| {
            Failure::invalid("x-ms-continuation is not one that this hub gave for this query; start again without it")
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn queries_select_all_or_those_of_a_condition() {
        assert!(condition("select *  from Enrollments ", "enrollments").unwrap().is_none());
        assert!(condition("SELECT * FROM enrollmentGroups", "enrollmentGroups").unwrap().is_none());
        let some = condition("SELECT * FROM enrollments WHERE provisioningStatus = 'disabled'", "enrollments");
        let some = some.unwrap().unwrap();
        assert!(some.matches(&json!({"provisioningStatus": "disabled"})) && !some.matches(&json!({})));
        for text in ["", "SELECT", "SELECT * FROM devices", "SELECT * FROM enrollmentsX", "SELECT * FROM enrollments x"]
        {
            assert!(condition(text, "enrollments").is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_place_is_found_again_among_the_same_documents_only(id in "[a-z0-9:._-]{1,20}", junk in any::<String>()) {
            let place = Continuation(id);
            prop_assert_eq!(Continuation::parse(&place.token("a"), "a"), Ok(place.clone()));
            prop_assert!(Continuation::parse(&place.token("a"), "b").is_err());
            let _ = Continuation::parse(&junk, "a");
        }

        #[test]
        fn no_query_makes_the_reader_panic(text in any::<String>(), words in "(SELECT|\\*|FROM|enrollments|WHERE| |a|=|'|é){0,12}") {
            let _ = condition(&text, "enrollments");
            let _ = condition(&words, "enrollments");
        }
    }
}
