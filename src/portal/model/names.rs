//! Words that many devices share, kept once and told apart by a number.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// The number of no word at all.
pub(in crate::portal) const NONE: u16 = 0;
/// The number of all words beyond the most that are kept.
const OTHERS: u16 = 1;

/// Words and their numbers. Several threads may add to it.
#[derive(Debug)]
pub(in crate::portal) struct Names {
    most: usize,
    inner: RwLock<Inner>,
}

#[derive(Debug)]
struct Inner {
    numbers: HashMap<Arc<str>, u16>,
    words: Vec<Arc<str>>,
}

impl Names {
    /// Knows no word yet, and at most so many later.
    pub(super) fn new(most: usize) -> Self {
        let words = vec!["(none)".into(), "(others)".into()];
        Self { most: most.min(usize::from(u16::MAX) - 2), inner: RwLock::new(Inner { numbers: HashMap::new(), words }) }
    }

    /// The number of a word, which is new or not.
    pub(super) fn add(&self, word: &str) -> u16 {
        if let Some(known) = self.find(word) {
            return known;
        }
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = inner.numbers.get(word) {
            return *known;
        }
        if inner.numbers.len() >= self.most {
            return OTHERS;
        }
        let Ok(number) = u16::try_from(inner.words.len()) else { return OTHERS };
        let word: Arc<str> = word.into();
        inner.words.push(Arc::clone(&word));
        inner.numbers.insert(word, number);
        number
    }

    /// The number of a word that is known.
    pub(in crate::portal) fn find(&self, word: &str) -> Option<u16> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.numbers.get(word).copied().or_else(|| {
            let reserved = [NONE, OTHERS].into_iter();
            reserved
                .into_iter()
                .find(|number| inner.words.get(usize::from(*number)).is_some_and(|known| **known == *word))
        })
    }

    /// The word of a number.
    pub(in crate::portal) fn word(&self, number: u16) -> Arc<str> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.words.get(usize::from(number)).cloned().unwrap_or_else(|| "(none)".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_beyond_the_most_are_put_together() {
        let names = Names::new(2);
        let numbers = ["oslo", "berlin", "oslo", "rome", "paris"].map(|word| names.add(word));
        assert_eq!(numbers, [2, 3, 2, OTHERS, OTHERS]);
        assert_eq!((&*names.word(3), &*names.word(NONE), &*names.word(99)), ("berlin", "(none)", "(none)"));
        assert_eq!((names.find("berlin"), names.find("rome"), names.find("(none)")), (Some(3), None, Some(NONE)));
    }
}
