//! What tells one class of devices from another: the documents, and the values that go into them.

use super::{
    facts::Tags,
    layer::{CompiledProfile, Documents},
    render::Uses,
};
use crate::twin::{DeviceId, Map};

/// The class of a device as bytes; equal bytes mean equal wanted values.
#[derive(Debug)]
pub(super) struct Key {
    bytes: Vec<u8>,
    /// The device's id is one of the values: a class of one, not worth keeping.
    pub(super) single: bool,
}

impl Key {
    /// `checked` classes hold merged components to their schemas; the base of an earlier revision is not.
    pub(super) fn new(
        compiled: &[CompiledProfile],
        documents: &Documents<'_>,
        id: &DeviceId,
        tags: Tags<'_>,
        checked: bool,
    ) -> Self {
        let mut key = Self { bytes: vec![u8::from(checked)], single: false };
        for index in &documents.profiles {
            key.bytes.extend_from_slice(&u32::try_from(*index).unwrap_or(u32::MAX).to_le_bytes());
        }
        key.bytes.extend_from_slice(&u32::MAX.to_le_bytes());
        for index in &documents.profiles {
            compiled.get(*index).into_iter().for_each(|profile| key.values(&profile.uses, id, tags));
        }
        if let Some(own) = documents.own {
            own.texts.iter().for_each(|text| key.part(text.as_bytes()));
            if own.texts[0].contains("${") {
                tags.declared.into_iter().for_each(|rendered| key.json(rendered));
            }
            if own.texts[1].contains("${") {
                key.values(&Uses::of(&own.desired), id, tags);
            }
        }
        key
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn values(&mut self, uses: &Uses, id: &DeviceId, tags: Tags<'_>) {
        if uses.device_id {
            self.single = true;
            self.part(id.as_str().as_bytes());
        }
        for tag in &uses.tags {
            match tags.get(tag.split('.')) {
                Some(value) => self.part(value.to_string().as_bytes()),
                None => self.part(b""),
            }
        }
    }

    fn json(&mut self, section: &Map) {
        // A map of JSON values always has a text.
        self.part(&serde_json::to_vec(section).unwrap_or_default());
    }

    /// Length first, so that no two lists of parts give the same bytes.
    fn part(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(bytes);
    }
}
