//! What git's index knows of the files of the working tree, so that they need not be read to be known.

use std::{collections::HashMap, sync::Arc};

use super::{listing, open::Repo};
use crate::fleet::{ContentId, Stamp};

impl Repo {
    /// Content and stamp of the fleet's files as git saw them last, by path relative to the fleet's root. Nothing where
    /// what lies in the working tree is not byte for byte what git keeps, or cannot be told from it.
    pub fn stamps(&self) -> HashMap<Arc<str>, (Stamp, ContentId)> {
        self.read_index().unwrap_or_default()
    }

    fn read_index(&self) -> Option<HashMap<Arc<str>, (Stamp, ContentId)>> {
        if self.filters() {
            return None;
        }
        let index = self.git.index().ok()?;
        // A file that changed in the moment in which the index was written may look as it did before.
        let written = std::fs::metadata(index.path()?).ok().map(|meta| Stamp::of(&meta))?;
        let mut stamps = HashMap::with_capacity(index.len());
        for entry in index.iter() {
            let Ok(path) = std::str::from_utf8(&entry.path) else { continue };
            if path.ends_with(".gitattributes") {
                return None;
            }
            let Some(path) = self.within(path) else { continue };
            let at =
                |time: &git2::IndexTime| i128::from(time.seconds()) * 1_000_000_000 + i128::from(time.nanoseconds());
            let stamp = Stamp {
                modified: at(&entry.mtime),
                changed: at(&entry.ctime),
                size: u64::from(entry.file_size),
                inode: entry.ino,
            };
            if stamp.modified / 1_000_000_000 < written.modified / 1_000_000_000 {
                stamps.insert(path.into(), (stamp, listing::bytes(entry.id)));
            }
        }
        Some(stamps)
    }

    /// Whether git may change files on their way into the working tree.
    fn filters(&self) -> bool {
        let Ok(config) = self.git.config() else { return true };
        let converts = config.get_string("core.autocrlf").is_ok_and(|value| value != "false");
        let attributes = config.get_path("core.attributesFile").is_ok_and(|path| path.exists());
        let own = self.git.commondir().join("info/attributes").exists();
        let home = std::env::var_os("HOME").map(std::path::PathBuf::from);
        let shared = home.is_some_and(|home| home.join(".config/git/attributes").exists());
        converts || attributes || own || shared
    }
}
