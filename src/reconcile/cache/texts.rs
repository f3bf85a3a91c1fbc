//! Texts, once each.

use std::{collections::HashMap, sync::Arc};

/// Most bytes of texts. A million twins of a fleet have a few thousand different ones; of a fleet where every twin
/// differs, some thousands are kept, and the others read each time.
const MOST: usize = 48 << 20;

/// Texts by place.
#[derive(Debug, Default)]
pub(super) struct Texts {
    all: Vec<Arc<str>>,
    places: HashMap<Arc<str>, u32>,
    bytes: usize,
}

impl Texts {
    /// Where the text is, from now on; `None` when there is no room for it.
    pub(super) fn place(&mut self, text: &str) -> Option<u32> {
        if let Some(place) = self.places.get(text) {
            return Some(*place);
        }
        if self.bytes + text.len() > MOST {
            return None;
        }
        let place = u32::try_from(self.all.len()).ok()?;
        let text: Arc<str> = text.into();
        self.bytes += text.len();
        self.all.push(Arc::clone(&text));
        self.places.insert(text, place);
        Some(place)
    }

    /// The text at a place that [`Self::place`] has given.
    pub(super) fn get(&self, place: u32) -> &str {
        self.all.get(place as usize).map_or("{}", AsRef::as_ref)
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }
}
