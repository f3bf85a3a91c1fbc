//! What is known of a device when documents are chosen for it, and how conditions look into it.

use serde_json::Value;

use crate::{
    query::{FieldPath, Fields, Operand},
    twin::{DeviceId, Map},
};

/// What is known of a device when documents are chosen for it.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The device.
    pub id: &'a DeviceId,
    /// Its live tags; empty when the hub does not know it yet.
    pub tags: &'a Map,
    /// Its reported properties, where [`Resolver::needs_reported`](super::Resolver::needs_reported) asks for them.
    pub reported: Option<&'a Map>,
    /// The Plug and Play model that it announced.
    pub model_id: Option<&'a str>,
}

/// Live tags as they will be once the declared ones are merged in, without merging them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tags<'a> {
    pub(super) declared: Option<&'a Map>,
    pub(super) live: &'a Map,
}

impl<'a> Tags<'a> {
    /// The value at these keys; declared tags hide live ones, and a declared `null` hides them with nothing.
    pub(super) fn get<'k>(self, keys: impl Iterator<Item = &'k str> + Clone) -> Option<&'a Value> {
        match self.declared.map(|declared| at(declared, keys.clone())) {
            Some(Found::Value(value)) => Some(value),
            Some(Found::Hidden) => None,
            Some(Found::Nothing) | None => match at(self.live, keys) {
                Found::Value(value) => Some(value),
                Found::Hidden | Found::Nothing => None,
            },
        }
    }
}

enum Found<'a> {
    Value(&'a Value),
    /// Something that is no object, or a `null`, stands where the way leads.
    Hidden,
    Nothing,
}

fn at<'a, 'k>(section: &'a Map, mut keys: impl Iterator<Item = &'k str>) -> Found<'a> {
    let Some(mut value) = keys.next().and_then(|first| section.get(first)) else { return Found::Nothing };
    for key in keys {
        let Value::Object(members) = value else { return Found::Hidden };
        let Some(below) = members.get(key) else { return Found::Nothing };
        value = below;
    }
    if value.is_null() { Found::Hidden } else { Found::Value(value) }
}

/// A device as a `where` sees it.
pub(super) struct View<'a> {
    pub(super) id: &'a str,
    pub(super) tags: Tags<'a>,
    pub(super) reported: Option<&'a Map>,
    pub(super) model_id: Option<&'a str>,
}

impl Fields for View<'_> {
    fn field(&self, path: &FieldPath) -> Operand<'_> {
        let value = match Root::of(path) {
            Root::DeviceId => return Operand::Text(self.id),
            Root::ModelId => return self.model_id.map_or(Operand::Undefined, Operand::Text),
            Root::Tags => self.tags.get(path.segments().skip(1).collect::<Vec<_>>().into_iter()),
            Root::Reported => self.reported.and_then(|reported| {
                let mut keys = path.segments().skip(2);
                let first = reported.get(keys.next()?)?;
                keys.try_fold(first, |value, key| value.as_object()?.get(key))
            }),
            Root::Other => None,
        };
        value.map_or(Operand::Undefined, Operand::from)
    }
}

/// What a path of a condition looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    DeviceId,
    ModelId,
    Tags,
    Reported,
    /// What no document may depend on: it is not known offline, or it follows from the documents themselves.
    Other,
}

impl Root {
    pub(super) fn of(path: &FieldPath) -> Self {
        let mut segments = path.segments();
        match (segments.next(), segments.next()) {
            (Some("deviceId"), None) => Self::DeviceId,
            (Some("modelId"), None) => Self::ModelId,
            (Some("tags"), Some(_)) => Self::Tags,
            (Some("properties"), Some("reported")) => Self::Reported,
            _ => Self::Other,
        }
    }
}
