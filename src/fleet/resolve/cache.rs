//! Answers by class, in bounded memory.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    sync::{Mutex, PoisonError, RwLock},
};

/// Most keys of which it is remembered that they were asked about.
const ONCE: usize = 1 << 16;

/// A cache of two generations: what was not asked for while a whole generation came in is forgotten.
pub(super) struct Cache<T> {
    generation: usize,
    /// Hashes of keys that were asked about once.
    once: Mutex<HashSet<u64>>,
    generations: RwLock<[HashMap<Box<[u8]>, T>; 2]>,
}

impl<T: Clone> Cache<T> {
    /// A cache that keeps so many answers in each of its two generations.
    pub(super) fn new(generation: usize) -> Self {
        Self { generation, once: Mutex::default(), generations: RwLock::new([HashMap::new(), HashMap::new()]) }
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<T> {
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        let [young, old] = &*generations;
        if let Some(found) = young.get(key) {
            return Some(found.clone());
        }
        let found = old.get(key)?.clone();
        drop(generations);
        self.put(key, found.clone());
        Some(found)
    }

    /// Whether the key has been asked about before: most are not asked about twice, and need not be kept.
    pub(super) fn is_asked_again(&self, key: &[u8]) -> bool {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(key);
        let mut once = self.once.lock().unwrap_or_else(PoisonError::into_inner);
        if once.len() >= ONCE {
            once.clear();
        }
        !once.insert(hash)
    }

    pub(super) fn put(&self, key: &[u8], value: T) {
        let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        let [young, old] = &mut *generations;
        if young.len() >= self.generation {
            *old = std::mem::take(young);
        }
        young.insert(key.into(), value);
    }
}

/// Keys and answers may hold secrets.
impl<T> fmt::Debug for Cache<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_memory_is_bounded() {
        const GENERATION: usize = 100;
        let cache = Cache::new(GENERATION);
        for n in 0..10 * GENERATION {
            cache.put(&n.to_le_bytes(), n);
            assert_eq!(cache.get(&0_usize.to_le_bytes()), Some(0));
        }
        assert_eq!(cache.get(&1_usize.to_le_bytes()), None);
        let generations = cache.generations.read().unwrap();
        assert!(generations.iter().map(HashMap::len).sum::<usize>() <= 2 * GENERATION);
    }
}
