//! What a store goes through, and what it finds.

use serde_json::Value;

use crate::{
    hub::{ports::LinkId, record::Record},
    twin::DeviceId,
};

/// Which records a scan goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span<'a> {
    /// All devices.
    Devices,
    /// All modules of all devices.
    Modules,
    /// The modules of one device.
    ModulesOf(&'a DeviceId),
}

/// What a scan came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scanned {
    pub(crate) records: Vec<Record>,
    /// Up to where was looked; nothing at the end of the span.
    pub(crate) next: Option<LinkId>,
}

impl Scanned {
    /// Of a scan that would have found more if there were any.
    pub(super) fn up_to(limit: usize, records: Vec<Record>) -> Self {
        let next = records.last().filter(|_| records.len() >= limit).map(|record| record.link.clone());
        Self { records, next }
    }
}

/// A group of records that a store has counted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tally {
    /// The values at the grouped paths.
    pub(crate) keys: Vec<Option<Value>>,
    pub(crate) rows: u64,
}

/// The first text after all that begin with `prefix`, in the order of bytes; nothing when there is none.
pub(super) fn beyond(prefix: &str) -> Option<String> {
    let mut start = prefix.to_owned();
    while let Some(last) = start.pop() {
        // From U+D800 on there are no characters for a while, in which no text is missed.
        let next = (last as u32 + 1..=0x10_FFFF).find_map(char::from_u32);
        if let Some(next) = next {
            start.push(next);
            return Some(start);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_begins_with_a_prefix_lies_before_what_is_beyond_it(prefix in "[a-c\u{d7ff}\u{10ffff}]{0,3}", rest in ".{0,3}", other in "[a-c\u{d7ff}\u{e000}\u{10ffff}]{0,4}") {
            let beyond = beyond(&prefix);
            let below = |text: &str| text >= &*prefix && beyond.as_deref().is_none_or(|beyond| text < beyond);
            let longer = format!("{prefix}{rest}");
            prop_assert!(below(&longer));
            prop_assert_eq!(below(&other), other.starts_with(&prefix));
        }
    }
}
