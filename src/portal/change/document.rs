//! The documents that are edited: by kind and name, as pages name them.

use std::sync::Arc;

use crate::{
    fleet::{DocumentRef, Fleet, Kind, SourceFile},
    plan::adopt,
    portal::Declared,
    twin::DeviceId,
};

/// Documents that a list has at most.
const MOST: usize = 200;
/// Longest file that is edited in a page, in bytes.
const LONGEST: usize = 512 * 1024;

/// One document, and the file that it stands in.
#[derive(Debug, Clone)]
pub(in crate::portal) struct Document {
    pub(in crate::portal) kind: Kind,
    pub(in crate::portal) name: String,
    pub(in crate::portal) file: Arc<str>,
    /// Which one of the file, from 0.
    pub(in crate::portal) number: usize,
    /// The whole file.
    pub(in crate::portal) text: String,
    /// No file has it yet.
    pub(in crate::portal) is_new: bool,
}

/// A document in a list.
#[derive(Debug)]
pub(in crate::portal) struct Listed {
    pub(in crate::portal) kind: &'static str,
    pub(in crate::portal) name: String,
    pub(in crate::portal) file: Arc<str>,
}

impl Document {
    /// The document that is called `KIND/NAME`. A device without one gets one that says nothing yet.
    pub(in crate::portal) fn find(declared: &Declared, called: &str) -> Option<Self> {
        let (kind, name) = called.split_once('/')?;
        let kind = Kind::of(kind)?;
        let here = reference(declared.planner.fleet(), kind, name);
        let Some(DocumentRef { file, document }) = here else {
            let id = DeviceId::new(name).ok().filter(|_| kind == Kind::Device)?;
            let (file, text) = adopt::new_document(&id, &declared.source);
            return Some(Self { kind, name: name.to_owned(), file, number: 0, text, is_new: true });
        };
        let text = String::from_utf8(declared.source.file(&file)?.text.to_vec()).ok()?;
        Some(Self { kind, name: name.to_owned(), file, number: document, text, is_new: false })
    }

    /// `KIND/NAME`.
    pub(in crate::portal) fn called(&self) -> String {
        format!("{}/{}", self.kind.name(), self.name)
    }

    /// Whether its file can be edited in a page.
    pub(in crate::portal) const fn fits(&self) -> bool {
        self.text.len() <= LONGEST
    }

    /// Its file.
    pub(super) fn source(&self) -> SourceFile {
        SourceFile { path: Arc::clone(&self.file), text: self.text.as_bytes().into() }
    }
}

fn reference(fleet: &Fleet, kind: Kind, name: &str) -> Option<DocumentRef> {
    match kind {
        Kind::Fleet => fleet.document.clone().filter(|_| fleet.name == name),
        Kind::Profile => {
            fleet.profiles.iter().find(|profile| *profile.name == *name).map(|found| found.document.clone())
        }
        Kind::Device => fleet.devices.get(&DeviceId::new(name).ok()?).map(|device| device.document.clone()),
        Kind::Rollout | Kind::Approval => None,
    }
}

/// The fleet's own document, its profiles, and the devices whose id holds `search`; and how many devices are left out.
pub(in crate::portal) fn list(fleet: &Fleet, search: &str) -> (Vec<Listed>, usize) {
    let of = |kind: Kind, name: &str, document: &DocumentRef| Listed {
        kind: kind.name(),
        name: name.to_owned(),
        file: Arc::clone(&document.file),
    };
    let mut found: Vec<Listed> = fleet.document.iter().map(|document| of(Kind::Fleet, &fleet.name, document)).collect();
    found.extend(fleet.profiles.iter().map(|profile| of(Kind::Profile, &profile.name, &profile.document)));
    let mut devices = fleet.devices.iter().filter(|(id, _)| id.as_str().contains(search));
    found.extend(devices.by_ref().take(MOST).map(|(id, device)| of(Kind::Device, id.as_str(), &device.document)));
    (found, devices.count())
}
