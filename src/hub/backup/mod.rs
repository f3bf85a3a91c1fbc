//! Backups of a hub's state folder: made whether or not the hub runs, without stopping its writers, and put back.
//!
//! A backup is a folder for its owner alone: the database as one file, the hub's certificate authority, and
//! `manifest.json`, which says what is in it and the SHA-256 of every file. It is there whole or not at all.
//!
//! * [`make`] writes one; [`restore`] checks one to the last page and puts it into a state folder.
//!
//! A hub that keeps its data in PostgreSQL is backed up with `pg_dump`.

mod files;
mod make;
mod manifest;
mod restore;
#[cfg(test)]
mod tests;

use std::{error::Error, io, path::PathBuf};

pub use make::make;
pub use restore::restore;

use super::store::StoreError;

/// What is in a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// When it was made (ISO 8601).
    pub made: String,
    /// How many devices it has.
    pub devices: u64,
    /// How many modules.
    pub modules: u64,
    /// How many documents: configurations, jobs, enrolments and the like.
    pub documents: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Where what was there before a restore stands now, if there was anything.
    pub moved: Option<PathBuf>,
}

/// Why a backup is not made, or not put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no embedded store.
    #[error("{} holds no store of a hub; one that uses PostgreSQL is backed up with pg_dump", .0.display())]
    NoStore(PathBuf),
    /// The target is there already.
    #[error("{} is there already; name a folder that is not", .0.display())]
    Exists(PathBuf),
    /// A file cannot be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// The store cannot be copied or checked.
    #[error("cannot copy the hub's store")]
    Store(#[source] Box<dyn Error + Send + Sync>),
    /// It is no backup, or not all of it.
    #[error("{} is no backup that can be put back: {what}", path.display())]
    Damaged {
        /// The backup, or the file of it.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A newer program made it.
    #[error(
        "the backup has format {found} and this program knows {known}; use the version that made it, or a newer one"
    )]
    TooNew {
        /// Its format.
        found: i64,
        /// The newest one of this program.
        known: i64,
    },
    /// A hub is using the folder.
    #[error("the state folder cannot be had")]
    InUse(#[source] Box<dyn Error + Send + Sync>),
    /// There is a hub already.
    #[error("{} holds a hub already; --force puts the backup in its place and moves what is there aside", .0.display())]
    NotEmpty(PathBuf),
}

impl From<StoreError> for BackupError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooNew { found, known } => Self::TooNew { found, known },
            other => Self::Store(other.into()),
        }
    }
}

fn failed(path: &std::path::Path) -> impl Fn(io::Error) -> BackupError {
    move |cause| BackupError::File { path: path.to_owned(), cause }
}
