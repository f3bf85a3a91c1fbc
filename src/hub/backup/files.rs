//! Files and folders for their owner alone, synced.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{Read as _, Write as _},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use super::{BackupError, failed};
use crate::hub::hex::hex;

const CHUNK: usize = 1 << 16;

/// Makes a folder that must not be there.
pub(super) fn make_folder(path: &Path) -> Result<(), BackupError> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(failed(path))
}

/// A new file.
pub(super) fn create(path: &Path) -> Result<File, BackupError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(failed(path))
}

/// Writes a new file.
pub(super) fn write(path: &Path, text: &[u8]) -> Result<(), BackupError> {
    let mut file = create(path)?;
    file.write_all(text).and_then(|()| file.sync_all()).map_err(failed(path))
}

/// Copies a file. Bytes and SHA-256 of it.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(u64, String), BackupError> {
    let mut target = create(to)?;
    let read = each_chunk(from, |chunk| target.write_all(chunk).map_err(failed(to)))?;
    target.sync_all().map_err(failed(to))?;
    Ok(read)
}

/// Bytes and SHA-256 of a file.
pub(super) fn digest(path: &Path) -> Result<(u64, String), BackupError> {
    each_chunk(path, |_| Ok(()))
}

fn each_chunk(
    path: &Path,
    mut each: impl FnMut(&[u8]) -> Result<(), BackupError>,
) -> Result<(u64, String), BackupError> {
    let mut file = File::open(path).map_err(failed(path))?;
    let (mut hash, mut bytes, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK]);
    loop {
        let read = file.read(&mut chunk).map_err(failed(path))?;
        if read == 0 {
            return Ok((bytes, hex(&hash.finalize())));
        }
        bytes += read as u64;
        hash.update(&chunk[..read]);
        each(&chunk[..read])?;
    }
}

/// Makes the names in a folder durable, where the system can do that.
pub(super) fn sync_folder(path: &Path) -> Result<(), BackupError> {
    if cfg!(unix) { File::open(path).and_then(|folder| folder.sync_all()).map_err(failed(path)) } else { Ok(()) }
}

/// A folder that is gone again unless it is kept.
pub(super) struct Passing<'a>(pub(super) &'a Path);

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(self.0)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, folder = %self.0.display(), "a folder could not be removed");
        }
    }
}
