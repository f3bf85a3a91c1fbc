//! One hub to a state folder.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Held as long as this value lives; the operating system lets go of it when the process dies.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _file: File,
}

/// The folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// Another hub has it.
    #[error("another hub is using {}; stop it, or choose another state folder", .0.display())]
    Taken(PathBuf),
    /// The lock file cannot be made.
    #[error("cannot lock {}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
}

impl DirectoryLock {
    /// Takes the folder, which must exist.
    pub(crate) fn take(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join("lock");
        let fail = |cause| LockError::Io { path: path.clone(), cause };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Taken(folder.to_owned())),
            Err(TryLockError::Error(cause)) => Err(fail(cause)),
        }
    }
}
