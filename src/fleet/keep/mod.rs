//! Checking a repository again: what is known of a file by its content is not found out a second time.
//!
//! Kept are files that declare devices, nothing else, and with which nothing is wrong: they are the many. All others
//! are read each time, so that findings and what they point at are always there. What became of a device when it was
//! resolved holds as long as the documents that are for all devices stay as they are ([`Shared`]).

mod codec;
mod digest;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use sha2::{Digest as _, Sha256};

use super::{
    document::Document,
    finding::Finding,
    load::{FileResult, Loaded, Loader},
    order::in_order,
    resolve::{self, Already, Looked, Resolver, Secrets},
    rule::Stage,
    source::{FileKind, Source, SourceFile},
    waiver::Waivers,
};
use digest::{Resolved, Shared};

pub use digest::{Kept, Save};

/// What git calls a content: the SHA-1 of it as a blob.
pub type ContentId = [u8; 20];

/// A file that matters to the fleet and is there, read or not.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Relative to the fleet's root, with `/`.
    pub path: Arc<str>,
    /// Its content; `None` when nobody has looked, and nothing is kept of it.
    pub id: Option<ContentId>,
    /// What stands in it, when it has been read already.
    pub text: Option<Arc<[u8]>>,
}

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    /// Everything wrong, in the order in which it is to be read.
    pub findings: Vec<Finding>,
    /// The waivers of the documents, and what they have waived.
    pub waivers: Waivers,
    /// Documents of all files.
    pub documents: usize,
    /// The files that were read: at least those that findings point at.
    pub source: Source,
}

/// Checks files (in order of path) by every rule that needs no hub. `read` gives the content of those that are asked
/// for, in their order.
///
/// # Errors
/// Those of `read`.
pub fn check_again<E>(
    files: &[Listed],
    kept: &mut Kept,
    read: impl Fn(&[&Listed]) -> Result<Vec<SourceFile>, E>,
) -> Result<Checked, E> {
    let (mut schemas, mut documents) = (Vec::new(), Vec::with_capacity(files.len()));
    for file in files {
        match FileKind::of(&file.path) {
            Some(FileKind::Documents) => documents.push(file),
            Some(FileKind::Schema) => schemas.push(file),
            // What is in it is looked at when a plan needs it.
            Some(FileKind::Sealed) | None => {}
        }
    }
    let source = Source::from_files(read(&schemas)?);
    kept.belongs_to(&stamp(&source.schemas));
    let mut run = Run { loader: Loader::new(&source), read, source, known: Vec::new(), fresh: Vec::new() };
    let unknown = run.divide(&documents, kept);
    run.read(&unknown)?;
    let twice = run.declared_twice(kept);
    run.read(&twice)?;
    run.finish(kept)
}

/// What every kept result depends on besides its file: the schemas.
fn stamp(files: &[SourceFile]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for file in files {
        for part in [file.path.as_bytes(), &file.text] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    hash.finalize().into()
}

/// A file of which all is known by its content.
#[derive(Clone, Copy)]
struct Known<'f> {
    file: &'f Listed,
    /// Where its record lies.
    place: usize,
}

/// A check under way.
struct Run<'f, R> {
    loader: Loader,
    read: R,
    /// What has been read.
    source: Source,
    known: Vec<Known<'f>>,
    fresh: Vec<(&'f Listed, FileResult)>,
}

impl<'f, E, R: Fn(&[&Listed]) -> Result<Vec<SourceFile>, E>> Run<'f, R> {
    /// Sets aside what is known; the rest.
    fn divide(&mut self, files: &[&'f Listed], kept: &Kept) -> Vec<&'f Listed> {
        let mut unknown = Vec::new();
        for file in files.iter().copied() {
            match file.id.as_ref().and_then(|id| kept.find(id)) {
                Some(place) => self.known.push(Known { file, place }),
                None => unknown.push(file),
            }
        }
        unknown
    }

    /// Reads and checks files, each on its own.
    fn read(&mut self, files: &[&'f Listed]) -> Result<(), E> {
        if files.is_empty() {
            return Ok(());
        }
        let texts = (self.read)(files)?;
        let results = self.loader.files(&texts);
        self.fresh.extend(files.iter().copied().zip(results));
        self.source.files.extend(texts);
        Ok(())
    }

    /// Known files with a device that another file declares too: both places have to be told.
    fn declared_twice(&mut self, kept: &Kept) -> Vec<&'f Listed> {
        let mut owners: HashMap<&str, usize> = HashMap::with_capacity(self.known.len());
        let mut twice = BTreeSet::new();
        for (at, known) in self.known.iter().enumerate() {
            for device in kept.record(known.place).into_iter().flat_map(codec::Record::devices) {
                if let Some(other) = owners.insert(device, at) {
                    twice.extend([at, other]);
                }
            }
        }
        for (_, file) in &self.fresh {
            for (_, document) in &file.documents {
                if let Document::Device(id, _) = document {
                    twice.extend(owners.get(id.as_str()));
                }
            }
        }
        // From the end, so that places stay what they are.
        twice.into_iter().rev().map(|at| self.known.swap_remove(at).file).collect()
    }

    fn finish(mut self, kept: &mut Kept) -> Result<Checked, E> {
        self.in_order();
        let shared = self.shared();
        kept.met(self.known.len() + self.fresh.len());
        for (file, result) in &self.fresh {
            if let (Some(id), Some(devices)) = (file.id, result.only_devices()) {
                let devices: Vec<&str> = devices.iter().map(|(id, _)| id.as_str()).collect();
                kept.put(id, result.count, &devices, None);
            }
        }
        let ids: HashMap<Arc<str>, ContentId> =
            self.fresh.iter().filter_map(|(file, _)| Some((file.path.clone(), file.id?))).collect();
        let known = self.known.iter().filter_map(|known| Some(kept.record(known.place)?.documents));
        let documents: usize = known.sum::<usize>() + self.fresh.iter().map(|(_, file)| file.count).sum::<usize>();
        let results = std::mem::take(&mut self.fresh).into_iter().map(|(_, result)| result).collect();
        let loaded = self.loader.join(results, &self.source);
        let (mut findings, waivers) = if loaded.is_sound() {
            self.resolve(loaded, shared, ids, kept)?
        } else {
            let mut findings = loaded.findings;
            findings.extend(loaded.waivers.unused(Stage::Files));
            (findings, loaded.waivers)
        };
        findings = in_order(findings, &self.source);
        Ok(Checked { findings, waivers, documents, source: self.source })
    }

    fn in_order(&mut self) {
        self.fresh.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
        self.source.files.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// What is for all devices.
    fn shared(&self) -> Shared {
        let names: HashSet<&str> =
            self.fresh.iter().filter(|(_, file)| file.is_shared()).map(|(file, _)| &*file.path).collect();
        let files: Vec<SourceFile> =
            self.source.files.iter().filter(|file| names.contains(&*file.path)).cloned().collect();
        Shared(stamp(&files))
    }

    /// What is known of devices that were resolved under these shared documents, and the files of all others.
    fn already(&self, shared: &Shared, kept: &Kept) -> (Already, Vec<&'f Listed>) {
        let (mut already, mut open) = (Already::default(), Vec::new());
        // Most devices are selected by the same profiles as another one.
        let mut seen: HashSet<&[u8]> = HashSet::new();
        for known in &self.known {
            let Some(record) = kept.record(known.place).filter(|record| record.devices().next().is_some()) else {
                continue;
            };
            let Some((profiles, variables)) = record.resolved_under(shared) else {
                open.push(known.file);
                continue;
            };
            already.any = true;
            if seen.insert(profiles) {
                already.profiles.extend(codec::numbers(profiles));
            }
            for variable in variables {
                if !already.variables.contains(variable) {
                    already.variables.insert(variable.into());
                }
            }
        }
        (already, open)
    }

    /// Resolves the devices of which nothing is known under these shared documents.
    fn resolve(
        &mut self,
        loaded: Loaded,
        shared: Shared,
        mut ids: HashMap<Arc<str>, ContentId>,
        kept: &mut Kept,
    ) -> Result<(Vec<Finding>, Waivers), E> {
        let Loaded { fleet, registry, mut findings, mut waivers, .. } = loaded;
        let Some(fleet) = fleet else { return Ok((findings, waivers)) };
        let mut fleet = Arc::unwrap_or_clone(fleet);
        let (already, open) = self.already(&shared, kept);
        ids.extend(open.iter().filter_map(|file| Some((file.path.clone(), file.id?))));
        self.read(&open)?;
        for (_, file) in self.fresh.drain(..) {
            for (_, document) in file.documents {
                if let Document::Device(id, device) = document {
                    fleet.devices.insert(id, Arc::new(device));
                }
            }
        }
        self.source.files.sort_by(|a, b| a.path.cmp(&b.path));
        let resolver = Resolver::new(Arc::new(fleet), registry, Secrets::placeholders());
        let mut looked = Looks::default();
        let found = resolve::check_rest(&resolver, already, &mut |device| looked.add(&resolver, &device));
        looked.keep(&shared, &ids, kept);
        findings.extend(waivers.sift(found, &self.source));
        findings.extend(waivers.unused(Stage::Merged));
        Ok((findings, waivers))
    }
}

/// What became of the devices of each file.
#[derive(Default)]
struct Looks(HashMap<Arc<str>, Option<Resolved>>);

impl Looks {
    fn add(&mut self, resolver: &Resolver, looked: &Looked<'_>) {
        let Some(device) = resolver.fleet().devices.get(looked.id) else { return };
        let file = self.0.entry(device.document.file.clone()).or_insert_with(|| Some(Resolved::default()));
        if !looked.is_clean {
            *file = None;
        }
        if let Some(resolved) = file {
            resolved.profiles.extend(looked.profiles.iter().filter_map(|at| u32::try_from(*at).ok()));
            resolved.variables.extend(resolve::variables_of(device));
        }
    }

    fn keep(self, shared: &Shared, ids: &HashMap<Arc<str>, ContentId>, kept: &mut Kept) {
        for (file, resolved) in self.0 {
            if let (Some(id), Some(resolved)) = (ids.get(&file), resolved) {
                kept.resolve(id, &Resolved { shared: *shared, ..resolved });
            }
        }
    }
}
