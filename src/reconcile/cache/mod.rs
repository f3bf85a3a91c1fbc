//! Twins as the hub showed them last, so that only those that have changed since have to be shown again.
//!
//! A hub tells for a twentieth of the price which *edition* of each twin it holds. Where that is the one that was kept,
//! the twin is rebuilt from what was kept; all others are read. Nothing is ever written by what was kept alone: whoever
//! writes reads the twin first. Tags and desired properties are kept once for all twins that have the same.

mod edition;
mod keep;
mod refresh;
mod saved;
#[cfg(test)]
mod tests;
mod texts;

use std::{borrow::Cow, collections::BTreeMap};

use bytes::Bytes;
use serde_json::value::RawValue;

use super::ports::Page;
use crate::{
    fleet::resolve::Resolver,
    twin::{DeviceId, TwinRow},
};
use edition::Edition;
pub use keep::{Keeping, keeping};
use texts::Texts;

/// Twins kept; more are read each time. A hub has no more (protocol reference 14).
const MOST: usize = 1_000_000;
/// Twins rebuilt in one page.
const PAGE: usize = 500;

/// What is kept of the twins of one hub: all that a plan looks at, unless a fleet's conditions or rollouts look at what
/// devices report. Bounded; good for nothing but time.
#[derive(Debug, Default)]
pub struct TwinCache {
    twins: BTreeMap<DeviceId, Kept>,
    texts: Texts,
    changed: bool,
}

/// One twin. Numbers are places in [`Texts`].
#[derive(Debug)]
struct Kept {
    edition: Edition,
    tags: u32,
    desired: u32,
}

impl TwinCache {
    /// Whether a plan of these documents looks at nothing but what is kept: gates look at what devices report.
    pub fn suffices(resolver: &Resolver) -> bool {
        resolver.fleet().rollouts.is_empty() && !resolver.needs_reported()
    }

    /// How many twins are kept.
    pub fn len(&self) -> usize {
        self.twins.len()
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.twins.is_empty()
    }

    /// Whether something differs from what was read.
    pub const fn is_changed(&self) -> bool {
        self.changed
    }

    /// Keeps a twin as it is shown, in place of an earlier edition.
    pub fn note(&mut self, row: &TwinRow<'_>) {
        let (Ok(id), None) = (row.id(), &row.module_id) else { return };
        // Which IoT Hub configurations apply to a twin changes without its edition: one that has to do with any is read.
        let is_alone = row.configurations.is_none() && !has_rival(row);
        let Some(edition) = Edition::of(row).filter(|_| is_alone) else { return self.forget(&id) };
        if self.twins.get(&id).is_some_and(|kept| kept.edition == edition) {
            return;
        }
        let tags = self.texts.place(&on_one_line(row.tags.map_or("{}", RawValue::get)));
        let desired = self.texts.place(&on_one_line(&desired(row)));
        match (tags, desired) {
            (Some(tags), Some(desired)) if self.twins.len() < MOST => {
                self.twins.insert(id, Kept { edition, tags, desired });
                self.changed = true;
            }
            _ => self.forget(&id),
        }
    }

    fn forget(&mut self, id: &DeviceId) {
        self.changed |= self.twins.remove(id).is_some();
    }

    /// The twins that are kept, rebuilt page by page, in order of device.
    pub fn pages(&self) -> impl Iterator<Item = Page> + Send {
        let mut twins = self.twins.iter().peekable();
        std::iter::from_fn(move || {
            twins.peek()?;
            let mut page = String::new();
            for (id, kept) in twins.by_ref().take(PAGE) {
                kept.rebuild(id, &self.texts, &mut page);
            }
            Some(Page::Lines(Bytes::from(page)))
        })
    }
}

impl Kept {
    /// A line of JSON with what was kept. Texts came from JSON, and ids need no escapes.
    fn rebuild(&self, id: &DeviceId, texts: &Texts, out: &mut String) {
        let Edition { etag, device_etag, model_id, agent } = &self.edition;
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let reported = if *agent { r#"{"twinops":{}}"# } else { "{}" };
        let parts = [
            r#"{"deviceId":"#,
            &quoted(id.as_str()),
            r#","etag":"#,
            &quoted(etag),
            r#","deviceEtag":"#,
            &quoted(device_etag),
            r#","modelId":"#,
            &quoted(model_id),
            r#","tags":"#,
            texts.get(self.tags),
            r#","properties":{"desired":"#,
            texts.get(self.desired),
            r#","reported":"#,
            reported,
            "}}\n",
        ];
        out.extend(parts);
    }
}

/// Whether a configuration has written to the twin.
fn has_rival(row: &TwinRow<'_>) -> bool {
    row.properties.desired.metadata.is_some_and(|text| text.get().contains("$lastUpdatedBy\""))
}

/// The desired properties without what the hub keeps of each twin alone.
fn desired(row: &TwinRow<'_>) -> String {
    let mut text = String::from("{");
    for (name, value) in &row.properties.desired.members {
        if text.len() > 1 {
            text.push(',');
        }
        text.extend([&*serde_json::Value::from(name.as_ref()).to_string(), ":", value.get()]);
    }
    text.push('}');
    text
}

/// Line ends between tokens; inside of texts they are escaped.
fn on_one_line(text: &str) -> Cow<'_, str> {
    if text.contains('\n') { Cow::Owned(text.replace('\n', " ")) } else { Cow::Borrowed(text) }
}
