//! What is kept of every device, in about a hundred bytes, and which of them are asked for.

use crate::plan::Verdict;

/// Tags by whose values devices are told apart.
pub(in crate::portal) const FACETS: usize = 4;

/// How a device stands; `None`: no document applies to it.
pub(in crate::portal) type Stand = Option<Verdict>;

/// Every stand, worst first.
pub(in crate::portal) fn stands() -> impl Iterator<Item = Stand> {
    Verdict::ALL.into_iter().rev().map(Some).chain([None])
}

/// The one word.
pub(in crate::portal) const fn word(stand: Stand) -> &'static str {
    match stand {
        Some(verdict) => verdict.word(),
        None => "unmanaged",
    }
}

/// One device.
#[derive(Debug)]
pub(in crate::portal) struct Row {
    pub(in crate::portal) id: Box<str>,
    /// A bit for each component that has left what git says.
    pub(in crate::portal) drifting: u64,
    /// When the hub last heard of it, in seconds since 1970; 0 when that is not known.
    pub(in crate::portal) active: u32,
    /// The values of the tags, by their numbers.
    pub(in crate::portal) facets: [u16; FACETS],
    pub(in crate::portal) revision: u16,
    pub(in crate::portal) wave: u16,
    pub(in crate::portal) stand: Stand,
    pub(in crate::portal) connected: bool,
}

/// Which devices are asked for: those that all of it holds for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::portal) struct Filter {
    pub(in crate::portal) stand: Option<Stand>,
    /// Only those that have left what git says.
    pub(in crate::portal) drift: bool,
    pub(in crate::portal) connected: Option<bool>,
    pub(in crate::portal) revision: Option<u16>,
    pub(in crate::portal) wave: Option<u16>,
    pub(in crate::portal) facets: [Option<u16>; FACETS],
    /// The bit of a component that has left what git says.
    pub(in crate::portal) component: Option<u8>,
    /// What the id begins with.
    pub(in crate::portal) prefix: String,
}

impl Filter {
    /// Whether it asks for this device.
    pub(in crate::portal) fn takes(&self, row: &Row) -> bool {
        self.stand.is_none_or(|stand| stand == row.stand)
            && (!self.drift || row.stand.is_some_and(Verdict::is_drift))
            && self.connected.is_none_or(|connected| connected == row.connected)
            && self.revision.is_none_or(|revision| revision == row.revision)
            && self.wave.is_none_or(|wave| wave == row.wave)
            && self.component.is_none_or(|bit| row.drifting & (1 << bit) != 0)
            && self.facets.iter().zip(row.facets).all(|(wanted, is)| wanted.is_none_or(|wanted| wanted == is))
            && row.id.starts_with(&self.prefix)
    }
}
