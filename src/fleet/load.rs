//! A whole repository: every file on its own, in parallel; then the whole.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use rayon::prelude::*;

use super::{
    check,
    document::{self, Document},
    finding::{Finding, Place, Severity},
    kind::Kind,
    model::{Device, DocumentRef, Fleet},
    order::in_order,
    schema::Components,
    site::Site,
    source::{Source, SourceFile},
    waiver::{self, Waiver, Waivers},
    yaml,
};
use crate::{component::Registry, twin::DeviceId};

/// Files that one thread takes at a time.
const BATCH: usize = 32;

/// What became of a source.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The fleet, as far as its documents could be read; `None` without a `Fleet` document. Only when
    /// [`is_sound`](Self::is_sound) may it be planned with: a document that is missing looks like a deletion.
    pub fleet: Option<Arc<Fleet>>,
    /// The components: those of this crate, and the fleet's own.
    pub registry: Arc<Registry>,
    /// Everything wrong that no comment waives, by file, document and position.
    pub findings: Vec<Finding>,
    /// The waivers of the documents, and what they have waived.
    pub waivers: Waivers,
    /// Documents looked at, whether right or wrong.
    pub documents: usize,
}

impl Loaded {
    /// Whether nothing stops a plan.
    pub fn is_sound(&self) -> bool {
        self.fleet.is_some() && !self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// Reads all documents, gives them their types and checks them by every rule that needs no device.
pub fn load(source: &Source) -> Loaded {
    let loader = Loader::new(source);
    let files = loader.files(&source.files);
    loader.join(files, source)
}

/// Reads files by the schemas of one source.
pub(super) struct Loader {
    registry: Arc<Registry>,
    components: Components,
    findings: Vec<Finding>,
}

impl Loader {
    /// A loader with the source's schemas.
    pub(super) fn new(source: &Source) -> Self {
        let mut findings = Vec::new();
        let registry = registry(source, &mut findings);
        let components = Components::new(&registry);
        usable(source, &components, &mut findings);
        Self { registry: Arc::new(registry), components, findings }
    }

    /// Reads files, each on its own.
    pub(super) fn files(&self, files: &[SourceFile]) -> Vec<FileResult> {
        files.par_iter().with_min_len(BATCH).map(|file| read_file(file, &self.components)).collect()
    }

    /// What the files, in order of path, make together.
    pub(super) fn join(&self, files: Vec<FileResult>, source: &Source) -> Loaded {
        let mut findings = self.findings.clone();
        let mut collected = Collected::default();
        for file in files {
            collected.add(file);
        }
        findings.append(&mut collected.findings);
        check::approvals(&collected.fleet, &mut findings);
        if !collected.has_fleet {
            let help = "add a document with `apiVersion: twinops/v1`, `kind: Fleet` and `metadata: {name: …}`";
            findings.push(Finding::error("no-fleet", "there is no `Fleet` document").help(help));
        }
        let documents = collected.documents;
        let mut waivers = std::mem::take(&mut collected.waivers);
        let findings = in_order(folded(waivers.sift(findings, source)), source);
        let registry = self.registry.clone();
        Loaded { fleet: collected.fleet().map(Arc::new), registry, findings, waivers, documents }
    }
}

/// What came out of one file.
pub(super) struct FileResult {
    pub(super) file: Arc<str>,
    pub(super) documents: Vec<(usize, Document)>,
    findings: Vec<Finding>,
    waivers: Vec<Waiver>,
    /// Documents looked at, whether right or wrong.
    pub(super) count: usize,
    has_fleet: bool,
}

impl FileResult {
    /// The devices of a file that declares nothing else and has nothing wrong with it, waived or not.
    pub(super) fn only_devices(&self) -> Option<Vec<(&DeviceId, &Device)>> {
        if !self.findings.is_empty() || !self.waivers.is_empty() {
            return None;
        }
        let devices = self.documents.iter().map(|(_, document)| match document {
            Document::Device(id, device) => Some((id, device)),
            Document::Fleet { .. } | Document::Profile(_) | Document::Rollout(_) | Document::Approval { .. } => None,
        });
        devices.collect()
    }

    /// Whether what the file says is for more than the devices that it declares.
    pub(super) fn is_shared(&self) -> bool {
        self.documents.iter().any(|(_, document)| matches!(document, Document::Fleet { .. } | Document::Profile(_)))
    }
}

fn read_file(file: &SourceFile, components: &Components) -> FileResult {
    let (mut documents, mut findings, mut has_fleet) = (Vec::new(), Vec::new(), false);
    let count = yaml::documents(&file.path, &file.text, &mut findings, |number, value, findings| {
        has_fleet |= value.get("kind").is_some_and(|kind| kind == Kind::Fleet.name());
        let site = Site { file: &file.path, number };
        documents.extend(document::read(site, value, components, findings).map(|document| (number, document)));
    });
    let waivers = waiver::read(file, &mut findings);
    FileResult { file: file.path.clone(), documents, findings, waivers, count, has_fleet }
}

/// The documents of all files, by kind and name.
#[derive(Default)]
struct Collected {
    fleet: Fleet,
    first_fleet: Option<DocumentRef>,
    profiles: BTreeMap<Arc<str>, DocumentRef>,
    rollouts: BTreeMap<Arc<str>, DocumentRef>,
    approvals: BTreeMap<String, DocumentRef>,
    findings: Vec<Finding>,
    waivers: Waivers,
    documents: usize,
    has_fleet: bool,
}

impl Collected {
    fn add(&mut self, file: FileResult) {
        self.findings.extend(file.findings);
        self.waivers.add(&file.file, file.waivers);
        self.documents += file.count;
        self.has_fleet |= file.has_fleet;
        for (number, document) in file.documents {
            self.document(Site { file: &file.file, number }, document);
        }
    }

    fn document(&mut self, site: Site<'_>, document: Document) {
        let taken = match document {
            Document::Fleet { name, spec } => {
                let first = self.first_fleet.clone();
                if first.is_none() {
                    self.first_fleet = Some(site.document());
                    (self.fleet.name, self.fleet.spec) = (name, spec);
                }
                first.map(|first| ("second-fleet", "there is a second `Fleet` document".to_owned(), first))
            }
            Document::Profile(profile) => match self.profiles.entry(profile.name.clone()) {
                Entry::Occupied(first) => {
                    Some(("duplicate-name", format!("two profiles are called `{}`", profile.name), first.get().clone()))
                }
                Entry::Vacant(free) => {
                    free.insert(profile.document.clone());
                    self.fleet.profiles.push(Arc::new(profile));
                    None
                }
            },
            Document::Device(id, device) => match self.fleet.devices.entry(id) {
                Entry::Occupied(first) => {
                    let message = format!("the device `{}` is declared twice", first.key());
                    Some(("duplicate-device", message, first.get().document.clone()))
                }
                Entry::Vacant(free) => {
                    free.insert(Arc::new(device));
                    None
                }
            },
            Document::Rollout(rollout) => match self.rollouts.entry(rollout.name.clone()) {
                Entry::Occupied(first) => {
                    Some(("duplicate-name", format!("two rollouts are called `{}`", first.key()), first.get().clone()))
                }
                Entry::Vacant(free) => {
                    free.insert(site.document());
                    self.fleet.rollouts.push(Arc::new(rollout));
                    None
                }
            },
            Document::Approval { name, approval } => match self.approvals.entry(name) {
                Entry::Occupied(first) => {
                    Some(("duplicate-name", format!("two approvals are called `{}`", first.key()), first.get().clone()))
                }
                Entry::Vacant(free) => {
                    free.insert(site.document());
                    self.fleet.approvals.push(approval);
                    None
                }
            },
        };
        if let Some((rule, message, first)) = taken {
            let first = Place::value(&first.file, first.document, "/metadata/name");
            let finding = Finding::error(rule, message).at(site.value("/metadata/name")).label("again here");
            self.findings.push(finding.with(first, "first here"));
        }
    }

    fn fleet(mut self) -> Option<Fleet> {
        self.fleet.document = Some(self.first_fleet?);
        self.fleet.profiles.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        self.fleet.rollouts.sort_by(|a, b| a.name.cmp(&b.name));
        Some(self.fleet)
    }
}

/// The components, without those of the fleet's own that cannot be read.
fn registry(source: &Source, findings: &mut Vec<Finding>) -> Registry {
    let files: Vec<(&str, std::borrow::Cow<'_, str>)> =
        source.schemas.iter().map(|file| (&*file.path, String::from_utf8_lossy(&file.text))).collect();
    let builtin = Registry::builtin();
    let errors = match builtin.clone().with_fleet_components(&files) {
        Ok(registry) => return registry,
        Err(errors) => errors,
    };
    findings.extend(errors.iter().map(|error| {
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Finding::error("component-schema", format!("{error}{cause}")).at(Place::value(&error.file().into(), 0, ""))
    }));
    let good: Vec<_> = files.into_iter().filter(|(path, _)| !errors.iter().any(|e| e.file() == *path)).collect();
    builtin.clone().with_fleet_components(&good).unwrap_or(builtin)
}

/// Schemas of the fleet's own that are JSON, but no JSON Schema.
fn usable(source: &Source, components: &Components, findings: &mut Vec<Finding>) {
    for file in &source.schemas {
        if let Some(why) = components.unusable(file.component()) {
            let finding = Finding::error("component-schema", format!("this is no JSON Schema: {why}"));
            findings.push(finding.at(Place::value(&file.path, 0, "")));
        }
    }
}

/// One finding for a component that is unknown in many documents.
fn folded(findings: Vec<Finding>) -> Vec<Finding> {
    let mut first: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut out: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        if finding.rule != "unknown-component" {
            out.push(finding);
            continue;
        }
        match first.entry(finding.message.clone()) {
            Entry::Occupied(mut seen) => seen.get_mut().1 += 1,
            Entry::Vacant(free) => {
                free.insert((out.len(), 0));
                out.push(finding);
            }
        }
    }
    for (at, more) in first.into_values().filter(|(_, more)| *more > 0) {
        let others = if more == 1 { "1 more document uses".to_owned() } else { format!("{more} more documents use") };
        let message = &mut out[at].message;
        *message = format!("{message}; {others} it");
    }
    out
}

#[cfg(test)]
mod tests;
