//! From a device to what it should be.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, OnceLock},
};

use super::{
    cache::Cache,
    class::Key,
    content::Content,
    facts::{Facts, Root, Tags, View},
    layer::{self, CompiledProfile, Documents, Own},
    merged, pointer,
    render::{self, has_references},
    secrets::Secrets,
    template::Scope,
    verify::Verifier,
};
use crate::{
    component::{Registry, device_agent, pnp},
    fleet::{Finding, Fleet, Place, Wanted},
    twin::{DeviceId, Map, PropertyPath, Section},
};

/// A device for which no wanted state can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// The device.
    pub device: Option<DeviceId>,
    /// What stands in the way.
    pub findings: Arc<[Finding]>,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.device {
            Some(device) => write!(f, "`{device}` cannot be resolved")?,
            None => f.write_str("a device cannot be resolved")?,
        }
        let mut findings = self.findings.iter();
        if let Some(first) = findings.next() {
            write!(f, ": {}", first.message)?;
        }
        match findings.count() {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}

impl std::error::Error for Unresolved {}

/// Classes without a document of a device's own that are kept: a large fleet has thousands, of which each is asked for
/// again and again.
const CLASSES: usize = 16_384;
/// Classes with one: most are of a single device, and a fleet may declare a million.
const OWN_CLASSES: usize = 1024;

type Answer = Result<Arc<Wanted>, Arc<[Finding]>>;

/// Resolves the devices of one fleet at one revision, once per class of devices: those to which the same documents
/// apply with the same values.
#[derive(Debug)]
pub struct Resolver {
    pub(super) fleet: Arc<Fleet>,
    pub(super) profiles: Vec<CompiledProfile>,
    registry: Arc<Registry>,
    secrets: Secrets,
    verifier: Verifier,
    classes: Cache<Answer>,
    own_classes: Cache<Answer>,
    pub(super) content: OnceLock<Content>,
}

impl Resolver {
    /// A resolver for this fleet. The registry's schemas hold for the merged components.
    pub fn new(fleet: Arc<Fleet>, registry: Arc<Registry>, secrets: Secrets) -> Self {
        let profiles = layer::compile(&fleet);
        let verifier = Verifier::new(&registry, &fleet.name);
        let (classes, own_classes) = (Cache::new(CLASSES), Cache::new(OWN_CLASSES));
        Self { fleet, profiles, registry, secrets, verifier, classes, own_classes, content: OnceLock::new() }
    }

    /// The fleet.
    pub fn fleet(&self) -> &Arc<Fleet> {
        &self.fleet
    }

    /// The schemas that it resolves against.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Whether some condition looks at reported properties.
    pub fn needs_reported(&self) -> bool {
        self.roots().any(|root| root == Root::Reported)
    }

    /// Whether the tags of an undeclared device alone decide which documents apply to it and what they want, and which
    /// waves may take it.
    pub fn tags_decide(&self) -> bool {
        self.roots().all(|root| root == Root::Tags) && !self.profiles.iter().any(|profile| profile.uses.device_id)
    }

    fn roots(&self) -> impl Iterator<Item = Root> {
        let of_profiles = self.profiles.iter().filter_map(|compiled| compiled.profile.condition.as_ref());
        let of_rollouts = self.fleet.rollouts.iter().flat_map(|rollout| rollout.conditions());
        of_profiles.chain(of_rollouts).flat_map(|condition| condition.paths().map(Root::of))
    }

    /// What the device should be; `None` when no document applies to it.
    ///
    /// # Errors
    /// When it cannot be told: a missing variable, a contradiction, a merged component that its schema refuses.
    pub fn wanted(&self, device: &Facts<'_>) -> Result<Option<Arc<Wanted>>, Unresolved> {
        self.selected(device).1
    }

    /// The profiles that select the device, and what it should be.
    pub(super) fn selected(&self, device: &Facts<'_>) -> (Vec<usize>, Result<Option<Arc<Wanted>>, Unresolved>) {
        let own = self.own(device.id);
        let declared = self.own_tags(device, own.as_ref());
        let tags = Tags { declared: declared.as_deref(), live: device.tags };
        let profiles = self.selecting(device, tags);
        let documents = Documents { profiles, own: own.as_ref() };
        let answer = self.answer(device, &documents, tags, true);
        (documents.profiles, answer)
    }

    /// The profiles that select the device, weakest first.
    fn selecting(&self, device: &Facts<'_>, tags: Tags<'_>) -> Vec<usize> {
        let view = View { id: device.id.as_str(), tags, reported: device.reported, model_id: device.model_id };
        let selects = |compiled: &CompiledProfile| {
            compiled.profile.condition.as_ref().is_none_or(|condition| condition.matches(&view))
        };
        self.profiles.iter().enumerate().filter(|(_, compiled)| selects(compiled)).map(|(at, _)| at).collect()
    }

    /// The same from documents that an earlier marker names, as in [`Wanted::sources`]; unknown ones are passed over.
    /// Merged components are not held to their schemas, and what cannot be filled in any more keeps its place: what was
    /// applied was applied.
    ///
    /// # Errors
    /// None today; the signature is that of [`Self::wanted`].
    pub fn from_sources(&self, device: &Facts<'_>, sources: &[&str]) -> Result<Option<Arc<Wanted>>, Unresolved> {
        let named = |name: &str| sources.contains(&name);
        let own = if named(&layer::device_source(device.id)) { self.own(device.id) } else { None };
        let profiles = self.profiles.iter().enumerate().filter(|(_, c)| named(&c.source)).map(|(at, _)| at).collect();
        let declared = self.own_tags(device, own.as_ref());
        let tags = Tags { declared: declared.as_deref(), live: device.tags };
        self.answer(device, &Documents { profiles, own: own.as_ref() }, tags, false)
    }

    /// The device's own document, if it is declared.
    pub(super) fn own(&self, id: &DeviceId) -> Option<Own<'_>> {
        self.fleet.devices.get(id).map(|device| Own::of(device))
    }

    /// The declared tags, filled in from live ones as far as that goes; what does not is found when they are resolved.
    pub(super) fn own_tags<'a>(&self, device: &Facts<'_>, own: Option<&'a Own<'_>>) -> Option<Cow<'a, Map>> {
        let tags = &own?.tags;
        if !has_references(tags) {
            return Some(Cow::Borrowed(tags));
        }
        Some(render::render(tags, &self.scope(device, Tags { declared: None, live: device.tags })).values)
    }

    pub(super) fn scope<'a>(&'a self, device: &Facts<'a>, tags: Tags<'a>) -> Scope<'a> {
        Scope { id: device.id.as_str(), tags, vars: &self.fleet.spec.vars, secrets: &self.secrets }
    }

    fn answer(
        &self,
        device: &Facts<'_>,
        documents: &Documents<'_>,
        tags: Tags<'_>,
        checked: bool,
    ) -> Result<Option<Arc<Wanted>>, Unresolved> {
        if documents.is_empty() {
            return Ok(None);
        }
        let key = Key::new(&self.profiles, documents, device.id, tags, checked);
        let classes = if documents.own.is_some() { &self.own_classes } else { &self.classes };
        let known = if key.single { None } else { classes.get(key.bytes()) };
        let answer = known.unwrap_or_else(|| {
            let answer = if checked {
                self.resolve(device, documents, tags, true)
            } else {
                Ok(self.owned(device, documents, tags))
            };
            // A finding in a device's own document is that device's alone.
            let is_shared = documents.own.is_none() || (answer.is_ok() && classes.is_asked_again(key.bytes()));
            if !key.single && is_shared {
                classes.put(key.bytes(), answer.clone());
            }
            answer
        });
        match answer {
            Ok(wanted) if documents.own.is_some() => Ok(Some(named(wanted, device.id))),
            Ok(wanted) => Ok(Some(wanted)),
            Err(findings) => Err(Unresolved { device: Some(device.id.clone()), findings }),
        }
    }

    /// Resolves without the cache.
    pub(super) fn resolve(
        &self,
        device: &Facts<'_>,
        documents: &Documents<'_>,
        tags: Tags<'_>,
        checked: bool,
    ) -> Answer {
        let (mut wanted, mut findings) = self.merged(device, documents, tags);
        let checked = checked && findings.is_empty();
        let place = |path: &PropertyPath| self.place(documents, path);
        if checked {
            self.verifier.schemas(&wanted, place, &mut findings);
        }
        merged::complete(&self.registry, &mut wanted);
        if checked {
            self.verifier.limits(&wanted, documents.own.is_some(), place, &mut findings);
        }
        if !findings.is_empty() {
            merged::hide(&self.registry, &wanted, &mut findings);
            return Err(findings.into());
        }
        Ok(Arc::new(wanted))
    }

    /// What these documents owned once. It is known by its paths, even where a tag that filled a value in is gone.
    fn owned(&self, device: &Facts<'_>, documents: &Documents<'_>, tags: Tags<'_>) -> Arc<Wanted> {
        let (mut wanted, _) = self.merged(device, documents, tags);
        merged::complete(&self.registry, &mut wanted);
        Arc::new(wanted)
    }

    /// The documents filled in and laid over each other, and what is wrong with that.
    fn merged(&self, device: &Facts<'_>, documents: &Documents<'_>, tags: Tags<'_>) -> (Wanted, Vec<Finding>) {
        let layers = layer::layers(&self.profiles, documents);
        let scope = self.scope(device, tags);
        let mut findings = Vec::new();
        let mut wanted = merged::merge(&layers, &scope, &mut findings);
        if let Some(own) = documents.own {
            merged::tags(own, &Scope { tags: Tags { declared: None, ..tags }, ..scope }, &mut wanted, &mut findings);
        }
        wanted.sources =
            documents.profiles.iter().filter_map(|at| self.profiles.get(*at)).map(|c| c.source.clone()).collect();
        (wanted, findings)
    }

    /// The line of a document that wants this path on this device: that of the strongest source which sets it.
    pub fn origin(&self, wanted: &Wanted, path: &PropertyPath) -> Option<Place> {
        let is_source = |name: &str| wanted.sources.iter().any(|source| **source == *name);
        let profiles = self.profiles.iter().enumerate().filter(|(_, c)| is_source(&c.source)).map(|(at, _)| at);
        let own =
            wanted.sources.iter().rev().find_map(|source| self.fleet.devices.get(source.strip_prefix("Device/")?));
        let own = own.map(|device| Own::of(device));
        self.place(&Documents { profiles: profiles.collect(), own: own.as_ref() }, path)
    }

    fn place(&self, documents: &Documents<'_>, path: &PropertyPath) -> Option<Place> {
        match path.section {
            Section::Reported => None,
            Section::Tags => {
                let own = documents.own?;
                let keys = setting(&own.tags, &path.keys)?;
                Some(pointer::place(own.document, pointer::value(Section::Tags, keys)))
            }
            Section::Desired => {
                // What twinops writes into a component comes from where the component does.
                let ours = |key: &Arc<str>| matches!(&**key, pnp::MARKER | device_agent::META);
                let keys = &path.keys[..path.keys.iter().position(ours).unwrap_or(path.keys.len())];
                layer::layers(&self.profiles, documents).into_iter().rev().find_map(|layer| {
                    let keys = setting(layer.desired, keys)?;
                    Some(pointer::place(layer.document, pointer::value(Section::Desired, keys)))
                })
            }
        }
    }
}

/// The part of the way at which the section says something of the value: all of it, or up to what stands in its place
/// (a `null`, an array, a text to be filled in with an object).
pub(crate) fn setting<'k>(section: &Map, keys: &'k [Arc<str>]) -> Option<&'k [Arc<str>]> {
    let mut here = section;
    for (at, key) in keys.iter().enumerate() {
        match here.get(&**key)? {
            serde_json::Value::Object(below) => here = below,
            _ => return Some(&keys[..=at]),
        }
    }
    Some(keys)
}

/// A class's answer as that of a declared device.
fn named(mut wanted: Arc<Wanted>, id: &DeviceId) -> Arc<Wanted> {
    // That of a class of one is nobody else's, and not copied.
    Arc::make_mut(&mut wanted).sources.push(layer::device_source(id));
    wanted
}
