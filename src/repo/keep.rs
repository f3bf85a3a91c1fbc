//! Results that are kept in the repository's own folder, below `.git/twinops`. They can be removed at any time.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::PathBuf,
};

use super::open::Repo;

/// How the names of kept results begin; there is one file, of one build.
const CHECKED: &str = "checked-";
/// How the names of files with kept twins begin; there is one for each hub.
const TWINS: &str = "twins-";

impl Repo {
    /// What was kept under this name; empty when there is nothing.
    pub fn kept(&self, name: &str) -> Vec<u8> {
        fs::read(self.kept_file(name)).unwrap_or_default()
    }

    /// Keeps results behind those that there are.
    ///
    /// # Errors
    /// When the folder cannot be written: nothing is lost but time.
    pub fn keep_more(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        File::options().append(true).open(self.kept_file(name))?.write_all(bytes)
    }

    /// Keeps results instead of all that there are, those of other names included.
    ///
    /// # Errors
    /// When the folder cannot be written: nothing is lost but time.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let folder = self.kept_folder();
        fs::create_dir_all(&folder)?;
        let new = folder.join(format!("new-{}", std::process::id()));
        fs::write(&new, bytes)?;
        for entry in fs::read_dir(&folder)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(CHECKED) {
                fs::remove_file(entry.path())?;
            }
        }
        // Readers see the old file, none, or the new one.
        fs::rename(new, self.kept_file(name))
    }

    /// The twins that were kept under this name; empty when there are none.
    pub fn kept_twins(&self, name: &str) -> Vec<u8> {
        fs::read(self.kept_folder().join(format!("{TWINS}{name}"))).unwrap_or_default()
    }

    /// Keeps twins instead of those that there are.
    ///
    /// # Errors
    /// When the folder cannot be written: nothing is lost but time.
    pub fn keep_twins(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let folder = self.kept_folder();
        fs::create_dir_all(&folder)?;
        let new = folder.join(format!("new-{TWINS}{}", std::process::id()));
        fs::write(&new, bytes)?;
        fs::rename(new, folder.join(format!("{TWINS}{name}")))
    }

    fn kept_folder(&self) -> PathBuf {
        self.git.commondir().join("twinops")
    }

    fn kept_file(&self, name: &str) -> PathBuf {
        self.kept_folder().join(format!("{CHECKED}{name}"))
    }
}
