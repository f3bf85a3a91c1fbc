//! `capability-mismatch`: devices that will not understand what they are told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::Deserialize;
use serde_json::Value;

use super::{
    super::{Resolver, merged::holds_something},
    requirement::{Model, Requirement, Version},
};
use crate::{
    component::{Registry, pnp},
    fleet::{Finding, Place, Wanted},
    twin::{DeviceId, PropertyPath, RowError, Section, TwinRow, get},
};

/// Devices, and versions, that are named.
const SAMPLES: usize = 3;

/// What devices cannot do of what they are told.
#[derive(Debug)]
pub(super) struct Capabilities {
    requirements: Arc<[Requirement]>,
    /// How many devices are to have each component.
    wanted: Vec<u64>,
    misses: BTreeMap<(usize, PropertyPath, Why), Misses>,
}

/// How it is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// The agent lists its components, and this is none of them.
    Absent,
    /// The agent's version of the component is older than this.
    Older(String),
    /// The device announced a model that does not have the component.
    Model,
    /// The device answered so.
    Answered,
}

/// The devices of one miss.
#[derive(Debug)]
struct Misses {
    devices: u64,
    samples: BTreeSet<DeviceId>,
    /// What they say of themselves: versions or models.
    said: BTreeSet<String>,
    example: Arc<Wanted>,
}

/// What an agent says of itself (the component `twinops`).
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Own {
    agent_version: Option<String>,
    capabilities: Option<BTreeMap<String, Capability>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Capability {
    version: String,
}

/// One device, and what was found of it.
struct Look<'a> {
    id: &'a DeviceId,
    wanted: &'a Arc<Wanted>,
    misses: &'a mut BTreeMap<(usize, PropertyPath, Why), Misses>,
}

impl Capabilities {
    pub(super) fn new(registry: &Registry) -> Self {
        let requirements: Arc<[Requirement]> = registry.iter().map(Requirement::of).collect();
        Self { wanted: vec![0; requirements.len()], requirements, misses: BTreeMap::new() }
    }

    /// Holds what a device should be against what it says of itself.
    pub(super) fn take(&mut self, id: &DeviceId, row: &TwinRow<'_>, wanted: &Arc<Wanted>) -> Result<(), RowError> {
        // A device may report anything there; what is not ours tells nothing.
        let own = row.properties.reported.member(pnp::TWINOPS).and_then(|text| serde_json::from_str::<Own>(text).ok());
        let (own, model) = (own.unwrap_or_default(), row.model_id.as_deref().and_then(Model::read));
        for (at, requirement) in self.requirements.iter().enumerate() {
            let value = get(&wanted.desired, &requirement.keys).filter(|value| holds_something(value));
            let Some(value) = value else { continue };
            self.wanted[at] += 1;
            let mut look = Look { id, wanted, misses: &mut self.misses };
            if let Some(model) = &model
                && !requirement.models.is_empty()
                && !requirement.models.iter().any(|known| known.is_had_by(model))
            {
                look.miss(at, requirement, &[], Why::Model, row.model_id.as_deref());
            }
            look.versions(at, requirement, value, &own);
            if requirement.is_pnp {
                look.answers(at, requirement, value, row)?;
            }
        }
        Ok(())
    }

    /// Joins what another thread saw.
    pub(super) fn merge(&mut self, other: Self) {
        self.wanted.iter_mut().zip(other.wanted).for_each(|(here, there)| *here += there);
        for (key, misses) in other.misses {
            match self.misses.get_mut(&key) {
                Some(known) => known.merge(misses),
                None => _ = self.misses.insert(key, misses),
            }
        }
    }

    pub(super) fn findings(&self, resolver: &Resolver) -> Vec<Finding> {
        let finding = |((at, path, why), misses): (&(usize, PropertyPath, Why), &Misses)| {
            let (requirement, all) = (&self.requirements[*at], self.wanted[*at]);
            let name = path.keys.join(".");
            let devices = if all == 1 { "device" } else { "devices" };
            let because = why.words(&requirement.name, &misses.said());
            let message = format!("{} of {all} {devices} cannot understand `{name}`: {because}", misses.devices);
            let finding = Finding::warning("capability-mismatch", message).label(misses.names());
            let help = "update these devices first, or keep it from them by a narrower `where`";
            let place = resolver.origin(&misses.example, path).map(Place::to_key);
            Finding { place, ..finding.help(help) }
        };
        self.misses.iter().map(finding).collect()
    }
}

impl Look<'_> {
    /// By the versions that the agent lists.
    fn versions(&mut self, at: usize, requirement: &Requirement, value: &Value, own: &Own) {
        let Some(capabilities) = &own.capabilities else { return };
        let agent = own.agent_version.as_deref();
        let Some(capability) = capabilities.get(&requirement.name) else {
            if requirement.is_pnp {
                self.miss(at, requirement, &[], Why::Absent, agent);
            }
            return;
        };
        let Some(version) = Version::read(&capability.version) else { return };
        let members = value.as_object();
        for (way, since) in &requirement.since {
            if version < *since && members.is_some_and(|members| get(members, way).is_some()) {
                self.miss(at, requirement, way, Why::Older(since.to_string()), Some(&capability.version));
            }
        }
    }

    /// By what the device answered when it was told (protocol reference 15.4).
    fn answers(
        &mut self,
        at: usize,
        requirement: &Requirement,
        value: &Value,
        row: &TwinRow<'_>,
    ) -> Result<(), RowError> {
        let [first, below @ ..] = requirement.keys.as_slice() else { return Ok(()) };
        // Most answers are good ones: their text is not taken apart.
        let Some(text) = row.properties.reported.member(first).filter(|text| text.contains("501")) else {
            return Ok(());
        };
        let answered: Value = serde_json::from_str(text)?;
        let found = below.iter().try_fold(&answered, |value, key| value.get(&**key));
        let (Some(found), Value::Object(members)) = (found, value) else { return Ok(()) };
        for (name, wanted) in pnp::properties(members) {
            let code = found.get(name).and_then(|answer| answer.get("ac")).and_then(Value::as_u64);
            if code == Some(pnp::code::UNSUPPORTED.into()) && holds_something(wanted) {
                self.miss(at, requirement, &[name.as_str().into()], Why::Answered, None);
            }
        }
        Ok(())
    }

    fn miss(&mut self, at: usize, requirement: &Requirement, way: &[Arc<str>], why: Why, said: Option<&str>) {
        let path = Section::Desired.path(requirement.keys.iter().chain(way).cloned());
        let misses = self.misses.entry((at, path, why)).or_insert_with(|| Misses {
            devices: 0,
            samples: BTreeSet::new(),
            said: BTreeSet::new(),
            example: self.wanted.clone(),
        });
        misses.devices += 1;
        keep(&mut misses.samples, self.id.clone());
        if let Some(said) = said {
            keep(&mut misses.said, said.to_owned());
        }
    }
}

impl Misses {
    fn merge(&mut self, other: Self) {
        self.devices += other.devices;
        for id in other.samples {
            keep(&mut self.samples, id);
        }
        for said in other.said {
            keep(&mut self.said, said);
        }
    }

    fn names(&self) -> String {
        let names = self.samples.iter().map(DeviceId::as_str).collect::<Vec<_>>().join(", ");
        match self.devices.saturating_sub(self.samples.len() as u64) {
            0 => names,
            more => format!("{names}, +{more}"),
        }
    }

    fn said(&self) -> String {
        self.said.iter().map(|said| format!("`{said}`")).collect::<Vec<_>>().join(", ")
    }
}

/// The first few by name, so that the order in which twins come does not matter.
fn keep<T: Ord>(samples: &mut BTreeSet<T>, one: T) {
    samples.insert(one);
    if samples.len() > SAMPLES {
        samples.pop_last();
    }
}

impl Why {
    fn words(&self, component: &str, said: &str) -> String {
        match self {
            Self::Absent if said.is_empty() => format!("their agent does not list `{component}`"),
            Self::Absent => format!("their agent (version {said}) does not list `{component}`"),
            Self::Older(since) => format!("their agent is older than version {since} of `{component}` (it has {said})"),
            Self::Model => format!("they announce a model without `{component}` ({said})"),
            Self::Answered => "they answered that it is not supported (501)".to_owned(),
        }
    }
}
