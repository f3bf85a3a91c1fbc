//! Verdicts by component and by the value of a tag: what a picture of a fleet is drawn from.

use std::{collections::BTreeMap, sync::Arc};

use super::{PropertyVerdict, Verdict};
use crate::twin::{Map, PropertyPath, Section, get};

/// Values of a tag that are counted apart; the devices of others are put together.
const VALUES: usize = 1000;
/// What stands for those.
const OTHERS: &str = "(others)";
/// What stands for devices without the tag.
const NONE: &str = "(none)";

/// Numbers of devices by verdict, by whatever they are told apart.
pub(super) type Counts = BTreeMap<String, BTreeMap<Verdict, u64>>;

/// Numbers of devices by the value of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByTag {
    /// The tag.
    pub path: PropertyPath,
    /// Its values, as text.
    pub values: Counts,
}

/// What is counted of one device.
#[derive(Debug, Clone)]
pub struct Aspects {
    /// The worst verdict of each of its components.
    components: BTreeMap<Arc<str>, Verdict>,
    /// The value of the tag.
    tag: Option<String>,
}

/// Counts devices by component and by tag.
#[derive(Debug, Clone, Default)]
pub(super) struct Breakdown {
    pub(super) components: Counts,
    pub(super) by_tag: Option<ByTag>,
}

impl Aspects {
    /// Those of a device, before what is compliant is left out.
    pub(super) fn of(all: &[PropertyVerdict], tags: &Map, tag: Option<&PropertyPath>) -> Self {
        let mut components: BTreeMap<Arc<str>, Verdict> = BTreeMap::new();
        for property in all {
            let worst = components.entry(component(&property.path)).or_insert(property.verdict);
            *worst = property.verdict.max(*worst);
        }
        let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let tag = tag.map(|path| get(tags, &path.keys).map_or_else(|| NONE.to_owned(), text));
        Self { components, tag }
    }
}

impl Breakdown {
    pub(super) fn by(tag: Option<PropertyPath>) -> Self {
        let by_tag = tag.map(|path| ByTag { path, values: Counts::new() });
        Self { components: Counts::new(), by_tag }
    }

    pub(super) fn take(&mut self, aspects: Aspects, verdict: Verdict) {
        for (name, verdict) in aspects.components {
            add(&mut self.components, &name, verdict, 1);
        }
        if let Some((by, value)) = self.by_tag.as_mut().zip(aspects.tag) {
            add(&mut by.values, &value, verdict, 1);
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        let all = |into: &mut Counts, from: Counts| {
            for (name, counts) in from {
                for (verdict, n) in counts {
                    add(into, &name, verdict, n);
                }
            }
        };
        all(&mut self.components, other.components);
        if let Some((here, there)) = self.by_tag.as_mut().zip(other.by_tag) {
            all(&mut here.values, there.values);
        }
    }
}

fn add(counts: &mut Counts, name: &str, verdict: Verdict, n: u64) {
    let name = if counts.len() < VALUES || counts.contains_key(name) { name } else { OTHERS };
    *counts.entry(name.to_owned()).or_default().entry(verdict).or_default() += n;
}

/// The tags, or the component that a path leads into; those of Windows lie one level deeper.
pub fn component(path: &PropertyPath) -> Arc<str> {
    match (&path.section, &*path.keys) {
        (Section::Desired, [windows, name, ..]) if &**windows == "windows" => format!("windows.{name}").into(),
        (Section::Desired, [name, ..]) => Arc::clone(name),
        _ => path.section.prefix().into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn property(path: &str, verdict: Verdict) -> PropertyVerdict {
        PropertyVerdict {
            path: path.parse().unwrap(),
            verdict,
            wanted: None,
            live: None,
            reported: None,
            since: None,
            message: None,
            by: None,
            origin: None,
            secret: false,
        }
    }

    #[test]
    fn a_device_counts_once_in_each_component_with_its_worst() {
        let all = [
            property("properties.desired.windows.timeInfo.a", Verdict::Compliant),
            property("properties.desired.windows.timeInfo.b", Verdict::Edited),
            property("properties.desired.time.zone", Verdict::Compliant),
            property("tags.site", Verdict::Pending),
        ];
        let path: PropertyPath = "tags.site".parse().unwrap();
        let mut parts = [Breakdown::by(Some(path.clone())), Breakdown::by(Some(path.clone()))];
        for (at, tags) in [json!({"site": "oslo"}), json!({"site": 7}), json!({})].iter().enumerate() {
            let aspects = Aspects::of(&all, tags.as_object().unwrap(), Some(&path));
            parts[at % 2].take(aspects, Verdict::Edited);
        }
        let [mut all, other] = parts;
        all.merge(other);
        let told = |counts: &Counts| counts.iter().map(|(name, of)| format!("{name} {of:?}")).collect::<Vec<_>>();
        let components = ["tags {Pending: 3}", "time {Compliant: 3}", "windows.timeInfo {Edited: 3}"];
        assert_eq!(told(&all.components), components);
        assert_eq!(told(&all.by_tag.unwrap().values), ["(none) {Edited: 1}", "7 {Edited: 1}", "oslo {Edited: 1}"]);
    }

    #[test]
    fn a_tag_that_every_device_has_its_own_of_takes_little_room() {
        let mut counts = Counts::new();
        (0..5 * VALUES).for_each(|n| add(&mut counts, &n.to_string(), Verdict::Compliant, 1));
        assert_eq!((counts.len(), counts[OTHERS][&Verdict::Compliant]), (VALUES + 1, 4 * VALUES as u64));
    }
}
