//! Connections that there are, in all and by address.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;
use tracing::warn;

use super::{limits::Figures, origin::Origin, tally::Tally};

/// See the module.
#[derive(Debug)]
pub(super) struct Gate {
    figures: Figures,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    open: usize,
    origins: HashMap<Origin, Count>,
    turned_away: Tally,
}

#[derive(Debug, Default)]
struct Count {
    open: usize,
    /// Those that have not shaken hands yet.
    shaking: usize,
    turned_away: Tally,
}

/// The place of one connection; dropping it gives it up.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Arc<Gate>,
    origin: Origin,
    shaking: bool,
}

impl Gate {
    pub(super) fn new(figures: Figures) -> Self {
        Self { figures, table: Mutex::default() }
    }

    /// A place, unless there are `most` connections in all, or too many from there. Whoever is exempt only counts.
    pub(super) fn enter(self: &Arc<Self>, origin: Origin, is_exempt: bool, most: usize) -> Option<Pass> {
        let now = Instant::now();
        let mut table = self.table();
        if table.open >= most {
            if let Some(count) = table.turned_away.add(now) {
                warn!(count, open = table.open, "the hub has as many connections as it may: others are turned away");
            }
            return None;
        }
        let Figures { per_address, shaking_per_address, .. } = self.figures;
        let count = table.origins.entry(origin).or_default();
        if !is_exempt && (count.open >= per_address || count.shaking >= shaking_per_address) {
            let (open, shaking) = (count.open, count.shaking);
            if let Some(count) = count.turned_away.add(now) {
                warn!(address = %origin, count, open, shaking, "too many connections from one address: others are turned away");
            }
            return None;
        }
        count.open += 1;
        count.shaking += 1;
        table.open += 1;
        Some(Pass { gate: Arc::clone(self), origin, shaking: true })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass {
    /// The handshake is done.
    pub(crate) fn shaken(&mut self) {
        if std::mem::take(&mut self.shaking)
            && let Some(count) = self.gate.table().origins.get_mut(&self.origin)
        {
            count.shaking -= 1;
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut table = self.gate.table();
        table.open -= 1;
        if let Entry::Occupied(mut entry) = table.origins.entry(self.origin) {
            let count = entry.get_mut();
            count.open -= 1;
            count.shaking -= usize::from(self.shaking);
            if count.open == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(last: u8) -> Origin {
        Origin::of([10, 0, 0, last].into())
    }

    fn gate() -> Arc<Gate> {
        let figures = Figures { connections: 8, per_address: 3, handshakes: 8, shaking_per_address: 2 };
        Arc::new(Gate::new(figures))
    }

    #[test]
    fn one_address_leaves_room_for_others() {
        let gate = gate();
        let enter = |last| {
            let mut pass = gate.enter(origin(last), false, 8)?;
            pass.shaken();
            Some(pass)
        };
        let mut held: Vec<_> = (0..3).map(|_| enter(1).unwrap()).collect();
        assert!(enter(1).is_none());
        held.push(enter(2).unwrap());
        held.remove(0);
        held.push(enter(1).unwrap());
        assert!(enter(1).is_none());
        held.clear();
        let table = gate.table();
        assert_eq!((table.open, table.origins.len()), (0, 0));
    }

    #[test]
    fn handshakes_of_one_address_are_fewer_than_its_connections() {
        let gate = gate();
        let mut first = gate.enter(origin(1), false, 8).unwrap();
        let _second = gate.enter(origin(1), false, 8).unwrap();
        assert!(gate.enter(origin(1), false, 8).is_none());
        first.shaken();
        first.shaken();
        assert!(gate.enter(origin(1), false, 8).is_some());
    }

    #[test]
    fn there_are_never_more_than_the_side_may_have_not_even_of_the_exempt() {
        let gate = gate();
        let held: Vec<_> = (0..7).map(|_| gate.enter(origin(1), true, 7).unwrap()).collect();
        assert!(gate.enter(origin(1), true, 7).is_none() && gate.enter(origin(2), false, 7).is_none());
        assert!(gate.enter(origin(2), false, 8).is_some(), "the other side has more room");
        drop(held);
        assert!(gate.enter(origin(2), false, 7).is_some());
    }
}
