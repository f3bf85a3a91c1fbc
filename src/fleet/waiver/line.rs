//! What a waiver says: `allow RULE, RULE until DATE because REASON`.

use std::ops::Range;

/// A waiver as written; nothing in it is known to make sense.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'t> {
    /// Names of rules, each with its bytes in the text.
    pub(super) rules: Vec<(&'t str, Range<usize>)>,
    /// The last day on which it holds.
    pub(super) until: Option<&'t str>,
    /// Empty when there is none.
    pub(super) reason: &'t str,
}

/// Reads what follows `twinops:`; `None` when it is no waiver.
pub(super) fn parse(text: &str) -> Option<Line<'_>> {
    let rest = text.trim_start().strip_prefix("allow")?;
    let (head, reason) = cut(rest, "because");
    let (names, until) = cut(head, "until");
    let rules: Vec<_> = names.split(',').map(str::trim).collect();
    let is_name = |name: &&str| !name.is_empty() && !name.contains(char::is_whitespace);
    // Something has to part the word from what follows, so that `allowance` is none.
    if !names.starts_with(char::is_whitespace) || !rules.iter().all(is_name) || until == Some("") {
        return None;
    }
    let at = |name: &str| name.as_ptr() as usize - text.as_ptr() as usize;
    let rules = rules.into_iter().map(|name| (name, at(name)..at(name) + name.len())).collect();
    Some(Line { rules, until, reason: reason.unwrap_or_default() })
}

/// What stands before and behind a word that stands by itself.
fn cut<'t>(text: &'t str, word: &str) -> (&'t str, Option<&'t str>) {
    let stands = |at: usize| {
        let (before, behind) = (&text[..at], &text[at + word.len()..]);
        before.ends_with(char::is_whitespace) && (behind.is_empty() || behind.starts_with(char::is_whitespace))
    };
    match text.match_indices(word).map(|(at, _)| at).find(|at| stands(*at)) {
        Some(at) => (&text[..at], Some(text[at + word.len()..].trim())),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<'t>(line: &Line<'t>) -> Vec<&'t str> {
        line.rules.iter().map(|(name, _)| *name).collect()
    }

    #[test]
    fn rules_an_end_and_a_reason_are_read() {
        let text = " allow yaml-trap, yaml-digits until 2027-03-31 because it stays until summer, because we say so ";
        let line = parse(text).unwrap();
        assert_eq!((names(&line), line.until), (vec!["yaml-trap", "yaml-digits"], Some("2027-03-31")));
        assert_eq!(line.reason, "it stays until summer, because we say so");
        assert_eq!(&text[line.rules[1].1.clone()], "yaml-digits");
    }

    #[test]
    fn a_reason_that_is_missing_is_empty() {
        for text in ["allow a", "allow a because", "allow a because  "] {
            assert_eq!(parse(text).unwrap().reason, "", "{text}");
        }
    }

    #[test]
    fn what_is_no_waiver_is_none() {
        for text in [
            "",
            "allow",
            "allow  ",
            "allowance a",
            "ignore a",
            "allow a b because c",
            "allow a, because c",
            "allow a until",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
