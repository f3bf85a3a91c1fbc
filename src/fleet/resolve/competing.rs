//! Which documents had a say in each value of one device, and which of them won.

use std::sync::Arc;

use serde_json::Value;

use super::{
    facts::{Facts, Tags},
    layer::{self, Documents, Own},
    pointer,
    render::{Rendered, render},
    resolver::{Resolver, Unresolved, setting},
    template::Scope,
};
use crate::{
    component::{device_agent, pnp},
    fleet::{DocumentRef, Place},
    twin::{Map, PropertyPath, Section, get, leaves, same},
};

/// What stands in the place of a value that nobody may see.
const SECRET: &str = "(secret)";

/// One document that applies to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// `Profile/kiosk`, `Device/kiosk-0007`.
    pub source: Arc<str>,
    /// The profile's priority; `None` for the device's own document, which is stronger than any.
    pub priority: Option<i64>,
    /// The profile's `where`; `None` when it selects every device, and for the device's own document.
    pub condition: Option<String>,
    /// Where the document begins.
    pub place: Place,
}

/// How a document fared with what it says about a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Its word holds.
    Sets,
    /// It says the same as the one whose word holds.
    Agrees,
    /// Something stronger says otherwise.
    Overridden,
}

/// What one document says about a value, or about something that the value would lie in.
#[derive(Debug, Clone, PartialEq)]
pub struct Say {
    /// Which of the device's layers.
    pub layer: usize,
    /// How it fared.
    pub role: Role,
    /// What it says, filled in; the text `(secret)` for a secret. `null`: it must not be there.
    pub value: Value,
    /// Whether it holds a secret.
    pub secret: bool,
    /// What is written, where a reference has been filled in.
    pub written: Option<String>,
    /// Where.
    pub place: Place,
}

/// One value of a device, and who competed for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// Where in the twin.
    pub path: PropertyPath,
    /// The value; `null`: it must not be there. The text `(secret)` for a secret.
    pub value: Value,
    /// Whether it holds a secret.
    pub secret: bool,
    /// Strongest first; the first one sets the value.
    pub says: Vec<Say>,
}

/// Everything that documents say about one device.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Explanation {
    /// The documents that apply, strongest first.
    pub layers: Vec<Layer>,
    /// Every declared value, in order of path.
    pub values: Vec<Explained>,
}

impl Resolver {
    /// Where every value of a device comes from; `None` when no document applies to it.
    ///
    /// # Errors
    /// As [`Self::wanted`].
    pub fn explain(&self, device: &Facts<'_>) -> Result<Option<Explanation>, Unresolved> {
        let (profiles, answer) = self.selected(device);
        let Some(wanted) = answer? else { return Ok(None) };
        let own = self.own(device.id);
        let documents = Documents { profiles, own: own.as_ref() };
        let declared = self.own_tags(device, own.as_ref());
        let scope = self.scope(device, Tags { declared: declared.as_deref(), live: device.tags });
        let mut layers = Vec::new();
        for (at, layer) in layer::layers(&self.profiles, &documents).into_iter().rev().enumerate() {
            let mut rendered = render(layer.desired, &scope);
            let marked = self.registry().sensitive(&rendered.values);
            rendered.secrets.extend(marked);
            layers.push(Speaker { at, document: layer.document, written: layer.desired, rendered });
        }
        let tag_scope = Scope { tags: Tags { declared: None, ..scope.tags }, ..scope };
        let tags = own.as_ref().map(|own| {
            let rendered = render(&own.tags, &tag_scope);
            Speaker { at: 0, document: own.document, written: &own.tags, rendered }
        });
        let mut values = explained(Section::Tags, &wanted.tags, tags.as_slice());
        values.extend(explained(Section::Desired, &wanted.desired, &layers));
        Ok(Some(Explanation { layers: self.named_layers(device, &documents), values }))
    }

    fn named_layers(&self, device: &Facts<'_>, documents: &Documents<'_>) -> Vec<Layer> {
        let own = documents.own.map(|own: &Own<'_>| Layer {
            source: layer::device_source(device.id),
            priority: None,
            condition: None,
            place: pointer::place(own.document, ""),
        });
        let profiles = documents.profiles.iter().rev().filter_map(|at| self.profiles.get(*at)).map(|compiled| Layer {
            source: compiled.source.clone(),
            priority: Some(compiled.profile.priority),
            condition: compiled.profile.condition.as_ref().map(ToString::to_string),
            place: pointer::place(&compiled.profile.document, ""),
        });
        own.into_iter().chain(profiles).collect()
    }
}

/// A document's section as one that competes.
struct Speaker<'a> {
    at: usize,
    document: &'a DocumentRef,
    written: &'a Map,
    rendered: Rendered<'a>,
}

fn explained(section: Section, values: &Map, speakers: &[Speaker<'_>]) -> Vec<Explained> {
    // What twinops itself writes into a component is nobody's word.
    let ours = |key: &Arc<str>| matches!(&**key, pnp::MARKER | device_agent::META);
    let declared = leaves(values).into_iter().filter(|leaf| !leaf.keys.iter().any(ours));
    declared
        .map(|leaf| {
            let says = says(section, &leaf.keys, speakers);
            let secret = says.first().is_some_and(|say| say.secret);
            let value = if secret { SECRET.into() } else { leaf.value.clone() };
            let path = section.path(leaf.keys);
            Explained { path, value, secret, says }
        })
        .collect()
}

/// What each speaker says about a value.
fn says(section: Section, keys: &[Arc<str>], speakers: &[Speaker<'_>]) -> Vec<Say> {
    let mut first: Option<&Value> = None;
    let mut says = Vec::new();
    for speaker in speakers {
        let Some(keys) = setting(&speaker.rendered.values, keys) else { continue };
        let Some(value) = get(&speaker.rendered.values, keys) else { continue };
        let role = match first {
            None => Role::Sets,
            Some(winner) if same(winner, value) => Role::Agrees,
            Some(_) => Role::Overridden,
        };
        first = first.or(Some(value));
        let secret = speaker.rendered.secrets.iter().any(|way| way.starts_with(keys) || keys.starts_with(way));
        let written = get(speaker.written, keys).and_then(Value::as_str).filter(|text| text.contains("${"));
        says.push(Say {
            layer: speaker.at,
            role,
            value: if secret { SECRET.into() } else { value.clone() },
            secret,
            written: written.map(str::to_owned),
            place: pointer::place(speaker.document, pointer::value(section, keys)),
        });
    }
    says
}
