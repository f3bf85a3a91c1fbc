//! What is kept as bytes.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Edition, Kept, TwinCache};
use crate::twin::DeviceId;

/// Of this form, by this version of the program.
const FORM: &str = concat!("twins 1, twinops ", env!("CARGO_PKG_VERSION"));

#[derive(Serialize, Deserialize)]
struct Saved<T> {
    form: String,
    texts: Vec<T>,
    twins: Vec<(DeviceId, Edition, u32, u32)>,
}

impl TwinCache {
    /// Reads what was saved; what cannot be read, or is of another form, is as good as never saved.
    pub fn read(bytes: &[u8]) -> Self {
        Self::parse(bytes).unwrap_or_default()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let saved: Saved<&RawValue> =
            serde_json::from_slice(bytes).ok().filter(|saved: &Saved<_>| saved.form == FORM)?;
        let mut cache = Self::default();
        for text in saved.texts {
            cache.texts.place(text.get())?;
        }
        let texts = u32::try_from(cache.texts.len()).ok()?;
        let is_there = |twin: &(_, _, u32, u32)| twin.2 < texts && twin.3 < texts;
        if !saved.twins.iter().all(is_there) {
            return None;
        }
        let kept = saved.twins.into_iter().map(|(id, edition, tags, desired)| (id, Kept { edition, tags, desired }));
        cache.twins = kept.collect();
        Some(cache)
    }

    /// The bytes to save; texts that no twin has any more are left out.
    pub fn write(&self) -> Vec<u8> {
        let (mut places, mut texts) = (HashMap::new(), Vec::new());
        let mut place = |old: u32| {
            *places.entry(old).or_insert_with(|| {
                texts.push(self.texts.get(old));
                u32::try_from(texts.len() - 1).unwrap_or(u32::MAX)
            })
        };
        let twin =
            |(id, kept): (&DeviceId, &Kept)| (id.clone(), kept.edition.clone(), place(kept.tags), place(kept.desired));
        let twins = self.twins.iter().map(twin).collect();
        // What came from JSON goes there again.
        let texts = texts.into_iter().filter_map(|text| serde_json::from_str::<&RawValue>(text).ok()).collect();
        let saved = Saved { form: FORM.to_owned(), texts, twins };
        serde_json::to_vec(&saved).unwrap_or_default()
    }
}
