//! Live twins held against the fleet: what only they can tell.
//!
//! A census is taken twin by twin, on any number of threads, and keeps counts and a few names, so that a million twins
//! stream through it.

mod capability;
mod requirement;
mod rollouts;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

use self::{capability::Capabilities, rollouts::Selecting};
use super::{Facts, Resolver, layer::CompiledProfile, pointer, resolver::setting, room::Rooms};
use crate::{
    fleet::{Finding, Place, Wanted},
    twin::{Map, PropertyPath, RowError, Section, TwinRow, get},
};

/// Most findings about single devices that are kept.
const MOST: usize = 100;

/// What live twins tell of a fleet.
#[derive(Debug)]
pub struct Census {
    resolver: Arc<Resolver>,
    devices: u64,
    /// Which profiles have selected a device.
    selecting: Vec<bool>,
    /// The same of rollouts and their waves.
    rollouts: Selecting,
    /// Ignores that nothing was seen of yet, by their place in the Fleet document.
    idle: Vec<(usize, PropertyPath)>,
    rooms: Rooms,
    capabilities: Capabilities,
    unresolved: Vec<Finding>,
    told: BTreeSet<(Option<Place>, String)>,
}

impl Census {
    /// A census of nothing yet.
    pub fn new(resolver: Arc<Resolver>) -> Self {
        let ignores = resolver.fleet().spec.ignore.iter().enumerate();
        let idle = ignores.filter_map(|(at, ignore)| Some((at, ignore.path.parse().ok()?))).collect();
        Self {
            devices: 0,
            selecting: vec![false; resolver.profiles.len()],
            rollouts: Selecting::new(resolver.fleet()),
            idle,
            rooms: Rooms::default(),
            capabilities: Capabilities::new(resolver.registry()),
            unresolved: Vec::new(),
            told: BTreeSet::new(),
            resolver,
        }
    }

    /// Counts a device.
    ///
    /// # Errors
    /// When the row is no twin.
    pub fn take(&mut self, row: &TwinRow<'_>) -> Result<(), RowError> {
        let (id, tags) = (row.id()?, row.tags()?);
        let reported = self.resolver.needs_reported().then(|| row.properties.reported.values()).transpose()?;
        let facts = Facts { id: &id, tags: &tags, reported: reported.as_ref(), model_id: row.model_id.as_deref() };
        let (profiles, answer) = self.resolver.selected(&facts);
        self.devices += 1;
        self.rollouts.take(self.resolver.governed(&facts));
        for at in profiles {
            self.selecting[at] = true;
        }
        let wanted = match answer {
            Ok(wanted) => wanted,
            Err(unresolved) => {
                unresolved.findings.iter().for_each(|finding| self.tell(finding));
                None
            }
        };
        self.look_for_ignored(row, &tags, wanted.as_deref())?;
        if let Some(wanted) = wanted {
            self.capabilities.take(&id, row, &wanted)?;
            self.rooms.take_live(&self.resolver, &id, &wanted, tags, row.properties.desired.values()?);
        }
        Ok(())
    }

    /// Joins what another thread counted of the same fleet.
    pub fn merge(&mut self, other: Self) {
        self.devices += other.devices;
        self.selecting.iter_mut().zip(other.selecting).for_each(|(here, there)| *here |= there);
        self.rollouts.merge(other.rollouts);
        self.idle.retain(|(at, _)| other.idle.iter().any(|(idle, _)| at == idle));
        self.rooms.merge(other.rooms);
        self.capabilities.merge(other.capabilities);
        other.unresolved.iter().for_each(|finding| self.tell(finding));
    }

    /// Everything that was found.
    pub fn finish(mut self) -> Vec<Finding> {
        self.count_declared();
        let mut findings = std::mem::take(&mut self.unresolved);
        findings.extend(self.unselected());
        findings.extend(self.rollouts.findings(self.resolver.fleet(), self.devices));
        findings.extend(self.unused_ignores());
        findings.extend(self.rooms.findings(&self.resolver));
        findings.extend(self.capabilities.findings(&self.resolver));
        findings
    }

    fn tell(&mut self, finding: &Finding) {
        if self.unresolved.len() < MOST && self.told.insert((finding.place.clone(), finding.message.clone())) {
            self.unresolved.push(finding.clone());
        }
    }

    /// Takes ignores off the list that this twin has something of.
    fn look_for_ignored(&mut self, row: &TwinRow<'_>, tags: &Map, wanted: Option<&Wanted>) -> Result<(), RowError> {
        let mut fault = None;
        self.idle.retain(|(_, path)| match has(row, tags, wanted, path) {
            Ok(has) => !has,
            Err(error) => {
                fault = Some(error);
                true
            }
        });
        fault.map_or(Ok(()), Err)
    }

    /// Devices that are declared and may not be on the hub yet: a profile that selects one of them is in use.
    fn count_declared(&mut self) {
        let nothing = Map::new();
        for id in self.resolver.fleet().devices.keys() {
            if self.selecting.iter().all(|selects| *selects) && self.rollouts.all() {
                return;
            }
            let facts = Facts { id, tags: &nothing, reported: None, model_id: None };
            self.rollouts.take(self.resolver.governed(&facts));
            let (profiles, _) = self.resolver.selected(&facts);
            for at in profiles {
                self.selecting[at] = true;
            }
        }
    }

    fn unselected(&self) -> impl Iterator<Item = Finding> {
        let profiles = self.resolver.profiles.iter().zip(&self.selecting).filter(|(_, selects)| !**selects);
        profiles.map(|(CompiledProfile { profile, .. }, _)| {
            let declared = if self.resolver.fleet().devices.is_empty() { "" } else { ", nor any that is declared" };
            let message = match self.devices {
                1 => format!("the profile `{}` does not select the one device{declared}", profile.name),
                devices => format!("the profile `{}` selects none of the {devices} devices{declared}", profile.name),
            };
            let place = pointer::place(&profile.document, "/spec/where");
            Finding::warning("selects-nothing", message).at(place).help("mend `where`, or remove the profile")
        })
    }

    fn unused_ignores(&self) -> impl Iterator<Item = Finding> {
        let declares = |path: &PropertyPath| {
            path.section == Section::Desired
                && self.resolver.profiles.iter().any(|c| setting(&c.profile.desired, &path.keys).is_some())
        };
        let unused = self.idle.iter().filter(move |(_, path)| !declares(path));
        unused.map(|(at, path)| {
            let message = format!("no document declares `{path}`, and none of {} devices has it", self.devices);
            let document = self.resolver.fleet().document.as_ref();
            let place = document.map(|document| pointer::place(document, format!("/spec/ignore/{at}/path")));
            Finding { place, ..Finding::warning("unused-ignore", message).help("remove the entry") }
        })
    }
}

/// Whether the twin has, or should have, something at a path.
fn has(row: &TwinRow<'_>, tags: &Map, wanted: Option<&Wanted>, path: &PropertyPath) -> Result<bool, RowError> {
    let (declared, live) = match path.section {
        Section::Tags => (wanted.map(|wanted| &wanted.tags), get(tags, &path.keys).is_some()),
        Section::Desired | Section::Reported => {
            let first = path.keys.first().and_then(|first| row.properties.desired.member(first));
            let live = match (first, path.keys.as_slice()) {
                (None, _) => false,
                (Some(_), [] | [_]) => true,
                (Some(text), [_, below @ ..]) => serde_json::from_str::<serde_json::Value>(text)?
                    .as_object()
                    .is_some_and(|m| get(m, below).is_some()),
            };
            (wanted.map(|wanted| &wanted.desired), live)
        }
    };
    Ok(live || declared.is_some_and(|declared| get(declared, &path.keys).is_some()))
}
