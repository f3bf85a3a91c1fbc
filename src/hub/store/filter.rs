//! What a store can find faster than by looking at everything.

use serde_json::Value;

use crate::{query::Sieve, twin::DeviceId};

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

/// Conditions that every wanted record satisfies. A store may ignore them: whoever asks checks each record anyway.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Filter {
    pub(crate) terms: Vec<Term>,
    /// The whole condition as simple tests, for a store that can evaluate them; it says all that the terms say.
    pub(crate) sieve: Sieve,
}

impl Default for Filter {
    fn default() -> Self {
        Self { terms: Vec::new(), sieve: Sieve::Anything }
    }
}

/// A group of records that a store has counted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tally {
    /// The values at the grouped paths.
    pub(crate) keys: Vec<Option<Value>>,
    pub(crate) rows: u64,
}

/// The value at one place is one of a few.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Term {
    /// The device's id.
    DeviceIds(Vec<String>),
    /// The module's id.
    ModuleIds(Vec<String>),
    /// A text among the tags, under these keys.
    Tag { keys: Vec<String>, any_of: Vec<String> },
}
