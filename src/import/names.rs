//! Numbers for what occurs again and again.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::Arc,
};

/// Things and their numbers, counted from 0 in the order in which they came.
#[derive(Debug)]
pub(super) struct Names<T: ?Sized> {
    ids: HashMap<Arc<T>, u32>,
    list: Vec<Arc<T>>,
}

impl<T: ?Sized> Default for Names<T> {
    fn default() -> Self {
        Self { ids: HashMap::new(), list: Vec::new() }
    }
}

impl<T: ?Sized + Hash + Eq> Names<T>
where
    Arc<T>: for<'a> From<&'a T>,
{
    /// The number of `thing`, a new one if it has none yet.
    pub(super) fn id(&mut self, thing: &T) -> u32 {
        if let Some(id) = self.ids.get(thing) {
            return *id;
        }
        let (shared, id) = (Arc::<T>::from(thing), number(self.list.len()));
        self.ids.insert(Arc::clone(&shared), id);
        self.list.push(shared);
        id
    }

    /// The thing of a number that [`Self::id`] gave.
    pub(super) fn get(&self, id: u32) -> &Arc<T> {
        &self.list[id as usize]
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }
}

/// An index as the tables keep it: a fleet has a million devices, not four thousand million.
pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Tells texts apart without keeping them: two keyed hashes, 128 bits together.
pub(super) fn fingerprint(text: &str) -> u128 {
    let half = |seed: u8| {
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write_u8(seed);
        hasher.write(text.as_bytes());
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}
