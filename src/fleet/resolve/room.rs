//! `hub-limit-near`: how full twins are, before they are full (protocol reference 5.5).

use std::sync::Arc;

use super::{Resolver, merged::mark};
use crate::{
    component::pnp,
    fleet::{Finding, Wanted},
    twin::{DeviceId, Map, Section, limits, merge},
};

/// Share of a section, in hundredths, from which it is told how much is left.
const FULL: usize = 80;
/// Length of a revision of git, as the marker holds it.
const REVISION: usize = 40;

/// The fullest twins of those that were looked at.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    tags: Fullest,
    desired: Fullest,
}

/// One section over many twins.
#[derive(Debug, Default)]
struct Fullest {
    /// How many are nearly full.
    devices: u64,
    /// The fullest of them.
    worst: Option<Worst>,
}

#[derive(Debug)]
struct Worst {
    id: DeviceId,
    size: usize,
    wanted: Arc<Wanted>,
}

impl Rooms {
    /// Looks at what a device should be, and at nothing else.
    pub(super) fn take(&mut self, fleet: &str, id: &DeviceId, wanted: &Arc<Wanted>) {
        self.add(id, wanted, limits::size(&wanted.tags) + marker(fleet, wanted), limits::size(&wanted.desired) + OWN);
    }

    /// Looks at a live twin as it will be; what others wrote into it stays.
    pub(super) fn take_live(
        &mut self,
        resolver: &Resolver,
        id: &DeviceId,
        wanted: &Arc<Wanted>,
        mut tags: Map,
        mut desired: Map,
    ) {
        let fleet = &resolver.fleet().name;
        if let Some(markers) = tags.get_mut(pnp::TWINOPS).and_then(serde_json::Value::as_object_mut) {
            markers.remove(fleet);
        }
        desired.remove(pnp::TWINOPS);
        merge(&mut tags, &wanted.tags);
        merge(&mut desired, &wanted.desired);
        mark(resolver.registry(), &mut desired);
        self.add(id, wanted, limits::size(&tags) + marker(fleet, wanted), limits::size(&desired) + OWN);
    }

    fn add(&mut self, id: &DeviceId, wanted: &Arc<Wanted>, tags: usize, desired: usize) {
        self.tags.add(Section::Tags, id, wanted, tags);
        self.desired.add(Section::Desired, id, wanted, desired);
    }

    /// Whether no twin was nearly full.
    pub(super) fn is_empty(&self) -> bool {
        self.tags.worst.is_none() && self.desired.worst.is_none()
    }

    /// Joins what another thread saw.
    pub(super) fn merge(&mut self, other: Self) {
        self.tags.merge(other.tags);
        self.desired.merge(other.desired);
    }

    /// A finding for each section that is nearly full on some device, at what takes most of it on the fullest.
    pub(super) fn findings(&self, resolver: &Resolver) -> Vec<Finding> {
        let sections = [(Section::Tags, &self.tags), (Section::Desired, &self.desired)];
        sections.into_iter().filter_map(|(section, fullest)| fullest.finding(section, resolver)).collect()
    }
}

/// What the fleet's own component takes in the desired properties: marker and revision.
pub(super) const OWN: usize = "twinops".len() + "__t".len() + "c".len() + "revision".len() + REVISION;

/// What the fleet's marker takes in the tags, at most.
pub(super) fn marker(fleet: &str, wanted: &Wanted) -> usize {
    let sources: usize = wanted.sources.iter().map(|source| source.len()).sum();
    "twinops".len() + fleet.len() + "revisionrejectedsources".len() + 2 * REVISION + sources
}

impl Fullest {
    fn add(&mut self, section: Section, id: &DeviceId, wanted: &Arc<Wanted>, size: usize) {
        // What is beyond the limit is an error, told by another rule.
        if size * 100 < section.capacity() * FULL || size > section.capacity() {
            return;
        }
        self.devices += 1;
        self.propose(|| Worst { id: id.clone(), size, wanted: wanted.clone() }, size, id);
    }

    /// The fullest counts; of equals the first by name, whichever thread saw it.
    fn propose(&mut self, worst: impl FnOnce() -> Worst, size: usize, id: &DeviceId) {
        if self.worst.as_ref().is_none_or(|known| (size, &known.id) > (known.size, id)) {
            self.worst = Some(worst());
        }
    }

    fn merge(&mut self, other: Self) {
        self.devices += other.devices;
        if let Some(worst) = other.worst {
            let (size, id) = (worst.size, worst.id.clone());
            self.propose(|| worst, size, &id);
        }
    }

    fn finding(&self, section: Section, resolver: &Resolver) -> Option<Finding> {
        let Worst { id, size, wanted } = self.worst.as_ref()?;
        let capacity = section.capacity();
        let others = match self.devices - 1 {
            0 => String::new(),
            1 => "; 1 more device is nearly as full".to_owned(),
            more => format!("; {more} more devices are nearly as full"),
        };
        let name = section.path(std::iter::empty::<&str>());
        let left = capacity - size;
        let message = format!("`{name}` of `{id}` takes {size} of {capacity} bytes: {left} are left{others}");
        let values = if section == Section::Tags { &wanted.tags } else { &wanted.desired };
        let weight = |(key, value): &(&String, &serde_json::Value)| {
            limits::size(&Map::from_iter([((*key).clone(), (*value).clone())]))
        };
        let largest = values.iter().max_by_key(weight).map(|(key, _)| section.path([key.as_str()]));
        let place = largest.and_then(|path| resolver.origin(wanted, &path));
        let help =
            "move what is long out of the twin, into a file that the device fetches, or remove what nobody reads";
        Some(Finding { place, ..Finding::warning("hub-limit-near", message).help(help) })
    }
}
