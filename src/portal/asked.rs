//! The query of an address: what is asked for, and addresses that ask for something else besides.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What may stand in an address as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What says where in a table a page is: another question begins at its beginning.
const PLACES: [&str; 2] = ["after", "next"];

/// Names and values, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked(Vec<(String, String)>);

impl Asked {
    pub(super) const fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// A value; nothing for one that is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        Some(field(&self.0, name)).filter(|value| !value.is_empty())
    }

    /// The address of a page with one value changed, or taken out.
    pub(super) fn with(&self, page: &str, name: &str, value: Option<&str>) -> String {
        let others = self.0.iter().filter(|(known, value)| {
            known != name && !value.is_empty() && (PLACES.contains(&name) || !PLACES.contains(&known.as_str()))
        });
        let others = others.map(|(name, value)| (name.as_str(), value.as_str()));
        address(page, others.chain(value.map(|value| (name, value))))
    }
}

/// A page and its query.
pub(super) fn address<'q>(page: &str, query: impl IntoIterator<Item = (&'q str, &'q str)>) -> String {
    let pairs = query.into_iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    let query: Vec<String> = pairs.collect();
    if query.is_empty() { page.to_owned() } else { format!("{page}?{}", query.join("&")) }
}

/// A text as part of an address.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// A field of a form; empty when it is not there.
pub(super) fn field<'f>(form: &'f [(String, String)], name: &str) -> &'f str {
    form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_question_begins_at_the_beginning_and_a_page_keeps_the_question() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let asked = Asked::new(vec![pair("verdict", "drifted"), pair("after", "d7"), pair("q", "")]);
        assert_eq!(asked.with("/devices", "tags.a b", Some("x&y")), "/devices?verdict=drifted&tags.a%20b=x%26y");
        assert_eq!(asked.with("/devices", "after", Some("d9")), "/devices?verdict=drifted&after=d9");
        assert_eq!(asked.with("/devices", "verdict", None), "/devices");
        assert_eq!((asked.get("q"), asked.get("after")), (None, Some("d7")));
    }
}
