//! What a backup says of itself.

use std::{collections::BTreeSet, fs, path::Path};

use serde::{Deserialize, Serialize};

use super::{BackupError, Summary, failed, files};
use crate::hub::store::Contents;

/// The file in the backup.
pub(super) const MANIFEST: &str = "manifest.json";
/// The format that this program writes.
const FORMAT: i64 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    format: i64,
    /// The version of the program that made it.
    made_by: String,
    made: String,
    contents: Contents,
    pub(super) files: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) name: String,
    bytes: u64,
    sha256: String,
}

impl Manifest {
    pub(super) fn new(made: String, contents: Contents) -> Self {
        let made_by = env!("CARGO_PKG_VERSION").to_owned();
        Self { format: FORMAT, made_by, made, contents, files: Vec::new() }
    }

    pub(super) fn add(&mut self, name: &str, (bytes, sha256): (u64, String)) {
        self.files.push(Entry { name: name.to_owned(), bytes, sha256 });
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), BackupError> {
        let path = folder.join(MANIFEST);
        let text = serde_json::to_vec_pretty(self).map_err(|error| failed(&path)(error.into()))?;
        files::write(&path, &text)
    }

    /// Reads a manifest and checks what it says as far as that can be done without the files.
    pub(super) fn read(folder: &Path) -> Result<Self, BackupError> {
        let path = folder.join(MANIFEST);
        let text = fs::read(&path).map_err(failed(&path))?;
        let damaged = |what: String| BackupError::Damaged { path: path.clone(), what };
        let read = |error: serde_json::Error| damaged(format!("it is no manifest: {error}"));
        // The format first: a newer one may look otherwise.
        let head: Head = serde_json::from_slice(&text).map_err(read)?;
        if head.format > FORMAT {
            return Err(BackupError::TooNew { found: head.format, known: FORMAT });
        }
        let manifest: Self = serde_json::from_slice(&text).map_err(read)?;
        let names: BTreeSet<&str> = manifest.files.iter().map(|entry| entry.name.as_str()).collect();
        if names.len() < manifest.files.len() || !names.iter().all(|name| is_plain(name)) {
            return Err(damaged("it names files that a backup does not have".to_owned()));
        }
        Ok(manifest)
    }

    /// Whether a copy of a file is what was put into the backup.
    pub(super) fn check(entry: &Entry, path: &Path, (bytes, sha256): &(u64, String)) -> Result<(), BackupError> {
        if *bytes == entry.bytes && *sha256 == entry.sha256 {
            return Ok(());
        }
        let what = format!("it should have {} bytes with SHA-256 {}", entry.bytes, entry.sha256);
        Err(BackupError::Damaged { path: path.to_owned(), what })
    }

    pub(super) fn summary(&self) -> Summary {
        let Contents { devices, modules, documents, .. } = self.contents;
        let bytes = self.files.iter().map(|entry| entry.bytes).sum();
        Summary { made: self.made.clone(), devices, modules, documents, bytes, moved: None }
    }
}

#[derive(Deserialize)]
struct Head {
    format: i64,
}

/// Only names of files in the folder itself, and only those that belong there.
fn is_plain(name: &str) -> bool {
    let is_text = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    is_text && !name.starts_with('.') && (name == "hub.db" || is_key_or_certificate(name))
}

/// What of a state folder belongs into a backup besides the database.
pub(super) fn is_key_or_certificate(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "pem" || extension == "key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_cannot_reach_out_of_its_folder() {
        assert!(["hub.db", "ca.pem", "ca.key"].into_iter().all(is_plain));
        for name in ["", "../ca.key", "/etc/x.key", "a/b.pem", ".x.key", "lock", "hub.db-wal", "..", "C:\\x.key"] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
