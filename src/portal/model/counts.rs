//! Numbers of devices, by whatever they are told apart.

use std::collections::BTreeMap;

use super::row::{FACETS, Filter, Row, Stand};

/// Devices by how they stand.
pub(in crate::portal) type ByStand = BTreeMap<Stand, u64>;

/// What is counted of the devices that a filter takes.
#[derive(Debug, Clone, Default)]
pub(in crate::portal) struct Counts {
    pub(in crate::portal) devices: u64,
    pub(in crate::portal) connected: u64,
    pub(in crate::portal) stands: ByStand,
    pub(in crate::portal) revisions: BTreeMap<u16, ByStand>,
    pub(in crate::portal) waves: BTreeMap<u16, ByStand>,
    pub(in crate::portal) facets: [BTreeMap<u16, u64>; FACETS],
    /// Devices that have left what git says, by the bit of the component.
    pub(in crate::portal) components: BTreeMap<u8, ByStand>,
}

impl Counts {
    /// Counts the rows that a filter takes.
    pub(super) fn of(rows: &[Row], filter: &Filter) -> Self {
        let mut counts = Self::default();
        rows.iter().filter(|row| filter.takes(row)).for_each(|row| counts.take(row));
        counts
    }

    fn take(&mut self, row: &Row) {
        self.devices += 1;
        self.connected += u64::from(row.connected);
        *self.stands.entry(row.stand).or_default() += 1;
        for (groups, number) in [(&mut self.revisions, row.revision), (&mut self.waves, row.wave)] {
            *groups.entry(number).or_default().entry(row.stand).or_default() += 1;
        }
        for (counts, value) in self.facets.iter_mut().zip(row.facets) {
            *counts.entry(value).or_default() += 1;
        }
        let mut bits = row.drifting;
        while bits != 0 {
            let bit = u8::try_from(bits.trailing_zeros()).unwrap_or(0);
            *self.components.entry(bit).or_default().entry(row.stand).or_default() += 1;
            bits &= bits - 1;
        }
    }

    /// Devices with this stand.
    pub(in crate::portal) fn stand(&self, stand: Stand) -> u64 {
        self.stands.get(&stand).copied().unwrap_or(0)
    }

    /// Devices that git says something about.
    pub(in crate::portal) fn managed(&self) -> u64 {
        self.devices - self.stand(None)
    }
}
