//! Documents for devices that have none.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    fleet::{API_VERSION, Kind, Source, written},
    twin::{DeviceId, Map},
};

/// The folder that they go to.
const FOLDER: &str = "devices";

/// The file and the text of a document that says nothing yet.
pub fn of(id: &DeviceId, source: &Source) -> (Arc<str>, String) {
    (path(id, source, &BTreeSet::new()), head(id) + "spec:\n  desired: {}\n")
}

fn head(id: &DeviceId) -> String {
    let mut out = format!("apiVersion: {API_VERSION}\nkind: {}\nmetadata:\n  name: ", Kind::Device.name());
    written::scalar(id.as_str(), &mut out);
    out + "\n"
}

/// The document of a device that overrides its profiles.
pub(super) fn text(id: &DeviceId, desired: &Map) -> String {
    let mut out = head(id) + "spec:\n  desired:\n";
    written::members(desired, 4, &mut out);
    out
}

/// A file of its own, by the device's name as far as file systems allow.
pub(super) fn path(id: &DeviceId, source: &Source, taken: &BTreeSet<Arc<str>>) -> Arc<str> {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let name: String = id.as_str().chars().map(safe).collect();
    // A name with a dot in front would hide the file, and `.sops` would seal it.
    let name = name.trim_start_matches('.').replace(".sops", "_sops");
    let is_free = |path: &str| {
        let is_there = |file: &Arc<str>| file.eq_ignore_ascii_case(path);
        !source.files.iter().any(|file| is_there(&file.path)) && !taken.iter().any(is_there)
    };
    let mut path = format!("{FOLDER}/{name}.yaml");
    let mut more = 2_u32;
    while !is_free(&path) {
        path = format!("{FOLDER}/{name}-{more}.yaml");
        more += 1;
    }
    path.into()
}
