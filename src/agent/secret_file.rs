//! Files that hold secrets: keys, connection strings, the login of a proxy.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::iothub::Secret;

/// More than any key has, in bytes.
const MOST: u64 = 64 * 1024;

/// Why a secret is not taken from a file.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// It cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Others may read it.
    #[error("`{0}` holds a secret, and others on this machine may read it; run `chmod 600 {0}`")]
    Open(PathBuf),
}

/// Reads a secret from a file that nobody but its owner may read; without the blanks around it.
///
/// # Errors
/// When it cannot be read, or others can.
pub fn read_secret(path: &Path) -> Result<Secret, SecretFileError> {
    let fault = |cause| SecretFileError::Read { path: path.to_owned(), cause };
    let file = fs::File::open(path).map_err(fault)?;
    if is_open(&file.metadata().map_err(fault)?) {
        return Err(SecretFileError::Open(path.to_owned()));
    }
    // Room for all of it at once: a text that grows would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(MOST).unwrap_or_default()));
    file.take(MOST).read_to_string(&mut text).map_err(fault)?;
    Ok(Secret::new(text.trim()))
}

/// Whether nobody but its owner may read a file; also when it cannot be looked at.
pub(crate) fn is_private(path: &Path) -> bool {
    !path.metadata().is_ok_and(|metadata| is_open(&metadata))
}

#[cfg(unix)]
fn is_open(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.is_file() && metadata.mode() & 0o077 != 0
}

/// Access lists are the business of whoever installs the agent.
#[cfg(not(unix))]
fn is_open(_: &fs::Metadata) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_that_others_may_read_is_refused_with_the_remedy() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), " hush\n").unwrap();
        assert_eq!(read_secret(file.path()).unwrap().reveal(), "hush");
        for mode in [0o640, 0o604] {
            fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
            let fault = read_secret(file.path()).unwrap_err().to_string();
            assert!(fault.contains("chmod 600") && !fault.contains("hush"), "{fault}");
        }
        assert!(matches!(read_secret(Path::new("/no/such")), Err(SecretFileError::Read { .. })));
    }
}
