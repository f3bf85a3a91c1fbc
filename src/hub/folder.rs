//! What a hub process over a shared store remembers in its own state folder: where the store is, and what differs
//! from process to process.

use std::{fs, io, io::Write as _, net::SocketAddr, path::Path};

use serde::{Deserialize, Serialize};

use crate::iothub::Secret;

const FILE: &str = "hub.json";

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// The store's address, password included: nobody but the folder's owner may read the file.
    pub(super) store: Secret,
    pub(super) hostname: String,
    pub(super) http: SocketAddr,
    pub(super) mqtt: SocketAddr,
}

impl Memory {
    /// What was remembered, if a hub over a shared store was started in this folder.
    pub(super) fn of(folder: &Path) -> io::Result<Option<Self>> {
        match fs::read(folder.join(FILE)) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Remembers it; the file is whole or not changed.
    pub(super) fn keep(&self, folder: &Path) -> io::Result<()> {
        let fresh = folder.join("hub.json.new");
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&fresh)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        fs::rename(&fresh, folder.join(FILE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Memory::of(folder.path()).unwrap(), None);
        let address = "127.0.0.1:1".parse().unwrap();
        let memory = Memory { store: Secret::new("s"), hostname: "h".to_owned(), http: address, mqtt: address };
        memory.keep(folder.path()).unwrap();
        memory.keep(folder.path()).unwrap();
        assert_eq!(Memory::of(folder.path()).unwrap(), Some(memory));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
