//! Conditions over tags: a few equalities, all of which hold.

use super::tags::{Cohorts, Tags};
use crate::query::MAX_LENGTH;

/// Most values of one list.
const LIST: usize = 100;
/// Most characters of a condition: a hub takes queries of 8192, and a command adds some of its own.
const LONGEST: usize = MAX_LENGTH / 2;

/// One equality: a tag that matters, by its place in [`Cohorts::keys`], and the literals that it may have, sorted.
pub(super) type Term = (usize, Vec<u32>);

/// Equalities by tag; without any, every device is selected.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Selector(pub(super) Vec<Term>);

impl Selector {
    /// Whether it selects a cohort.
    pub(super) fn matches(&self, row: &[Option<u32>]) -> bool {
        self.0.iter().all(|(key, literals)| row[*key].is_some_and(|literal| literals.contains(&literal)))
    }

    /// This, and one equality more.
    pub(super) fn and(&self, key: usize, literal: u32) -> Self {
        let mut terms = self.0.clone();
        terms.push((key, vec![literal]));
        terms.sort_unstable();
        Self(terms)
    }

    /// This without its equality at `at`.
    pub(super) fn without(&self, at: usize) -> Self {
        let mut terms = self.0.clone();
        terms.remove(at);
        Self(terms)
    }

    /// One selector for what either selects; `None` when they differ in more than the values of one tag.
    pub(super) fn or(&self, other: &Self) -> Option<Self> {
        let same_tags = self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| a.0 == b.0);
        let mut apart = self.0.iter().zip(&other.0).enumerate().filter(|(_, (a, b))| a.1 != b.1);
        let (Some((at, (a, b))), None, true) = (apart.next(), apart.next(), same_tags) else { return None };
        let mut literals = [a.1.as_slice(), b.1.as_slice()].concat();
        literals.sort_unstable();
        literals.dedup();
        let mut terms = self.0.clone();
        terms[at].1 = literals;
        (terms[at].1.len() <= LIST).then_some(Self(terms))
    }

    /// As the query language writes it; `None` for all devices.
    pub(super) fn text(&self, tags: &Tags, cohorts: &Cohorts) -> Option<String> {
        let term = |(key, literals): &Term| {
            let path = tags.path(cohorts.keys[*key]);
            let mut spelt: Vec<&str> = literals.iter().map(|literal| tags.literal(*literal)).collect();
            spelt.sort_unstable();
            match spelt.as_slice() {
                [one] => format!("{path} = {one}"),
                several => format!("{path} IN [{}]", several.join(", ")),
            }
        };
        (!self.0.is_empty()).then(|| self.0.iter().map(term).collect::<Vec<_>>().join(" AND "))
    }

    /// Whether a hub would take the text.
    pub(super) fn is_short(&self, tags: &Tags, cohorts: &Cohorts) -> bool {
        self.text(tags, cohorts).is_none_or(|text| text.len() <= LONGEST)
    }

    /// A name for it: `role-kiosk`, `site-berlin-oslo`.
    pub(super) fn name(&self, tags: &Tags, cohorts: &Cohorts) -> String {
        const MOST: usize = 60;
        if self.0.is_empty() {
            return "base".to_owned();
        }
        let term = |(key, literals): &Term| {
            let path = tags.keys(cohorts.keys[*key]).last().map(|key| slug(key)).unwrap_or_default();
            let mut spelt: Vec<String> = literals.iter().map(|literal| slug(tags.literal(*literal))).collect();
            spelt.sort_unstable();
            let more = spelt.len().saturating_sub(3);
            spelt.truncate(3);
            let more = if more > 0 { format!("-and-{more}-more") } else { String::new() };
            format!("{path}-{}{more}", spelt.join("-"))
        };
        let name = self.0.iter().map(term).collect::<Vec<_>>().join("-");
        let name = name.get(..MOST).unwrap_or(&name);
        name.trim_matches('-').to_owned()
    }
}

/// Small ASCII letters, digits and dashes: what a file may be called anywhere.
fn slug(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    text.trim_matches('\'').chars().map(plain).collect()
}
