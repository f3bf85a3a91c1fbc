//! The ledger's file: one line that says what follows, then JSON.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use tracing::error;

use super::book::Book;
use crate::agent::port::hex;

const NAME: &str = "ledger.json";
const REFUSED: &str = "ledger.json.refused";
const MAGIC: &str = "twinops-ledger 1";

/// Why the ledger cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// No folder for it.
    #[error("cannot make the state folder `{path}`; choose another with --state")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The file is there and cannot be read.
    #[error("cannot read the ledger `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The file is bad and cannot be moved away.
    #[error("cannot set the broken ledger `{path}` aside")]
    SetAside {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The accepted properties cannot be written.
    #[error("cannot write the ledger `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// Why a file is no ledger of this device.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("it has no line at its start that names it a ledger")]
    NoHeader,
    #[error("its content does not match its checksum")]
    Checksum,
    #[error("its content is no ledger: {0}")]
    Content(String),
    #[error("it belongs to the device `{0}`")]
    Foreign(String),
}

#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
}

impl Store {
    pub(super) fn new(folder: &Path) -> Result<Self, LedgerError> {
        private_folder(folder).map_err(|cause| LedgerError::Folder { path: folder.to_owned(), cause })?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The book on disk; `None` when there is none, or when there was one that had to be refused.
    pub(super) fn load(&self, device: &str) -> Result<Option<Book>, LedgerError> {
        let path = self.folder.join(NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(LedgerError::Read { path, cause }),
        };
        match decode(&bytes, device) {
            Ok(book) => Ok(Some(book)),
            Err(reason) => {
                let aside = self.folder.join(REFUSED);
                fs::rename(&path, &aside).map_err(|cause| LedgerError::SetAside { path, cause })?;
                error!(%reason, kept = %aside.display(), "the ledger is refused; the agent starts from the hub's twin");
                Ok(None)
            }
        }
    }

    /// Writes the book so that a crash at any moment leaves the old one or the new one.
    pub(super) async fn save(&self, book: &Book) -> Result<(), LedgerError> {
        let (folder, path) = (self.folder.clone(), self.folder.join(NAME));
        let bytes = encode(book);
        let work = move || replace(&folder, NAME, &bytes?);
        let done = tokio::task::spawn_blocking(work).await.unwrap_or_else(|fault| Err(io::Error::other(fault)));
        done.map_err(|cause| LedgerError::Write { path, cause })
    }
}

/// Writes a file of the state folder beside its place, and puts it there.
pub(crate) fn replace(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let next = folder.join(format!("{name}.next"));
    let mut file = private_file(&next)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&next, folder.join(name))?;
    fs::File::open(folder)?.sync_all()
}

/// Makes the folder, for its owner alone, if it is not there.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Desired properties are nobody else's business on the device.
fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

pub(super) fn encode(book: &Book) -> io::Result<Vec<u8>> {
    let body = serde_json::to_vec(book)?;
    let mut bytes = format!("{MAGIC} {}\n", digest(&body)).into_bytes();
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

pub(super) fn decode(bytes: &[u8], device: &str) -> Result<Book, Refused> {
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(Refused::NoHeader)?;
    let (header, body) = (&bytes[..end], &bytes[end + 1..]);
    let sum =
        header.strip_prefix(MAGIC.as_bytes()).and_then(|rest| rest.strip_prefix(b" ")).ok_or(Refused::NoHeader)?;
    if sum != digest(body).as_bytes() {
        return Err(Refused::Checksum);
    }
    let book: Book = serde_json::from_slice(body).map_err(|fault| Refused::Content(fault.to_string()))?;
    match book {
        book if book.device == device => Ok(book),
        book if is_same_device(&book.device, device) => Ok(book.moved(device)),
        book => Err(Refused::Foreign(book.device)),
    }
}

/// Whether both are `hub/device` of one device.
fn is_same_device(one: &str, other: &str) -> bool {
    let device = |owner: &str| owner.split_once('/').map(|(_, device)| device.to_owned());
    device(one).is_some() && device(one) == device(other)
}

fn digest(body: &[u8]) -> String {
    hex(&Sha256::digest(body))
}
