//! Files in folders that others may write to.
//!
//! Every step on the way to a file is opened without following links, so that nobody who may write below an allowed
//! folder can lead the agent out of it.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    os::fd::OwnedFd,
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{
        AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid, fchmod, fchown, fstat, mkdirat, openat, renameat, statat,
        unlinkat,
    },
    io::Errno,
};

use super::{Fault, Tree};

/// The largest file that is read: more could neither be reported nor kept for putting it back.
const LARGEST: u64 = 64 * 1024;

/// The folders below which files may be managed.
#[derive(Debug, Clone)]
pub(crate) struct Guarded {
    tree: Tree,
    allowed: Vec<PathBuf>,
}

/// A text file as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) content: String,
    /// Its permissions.
    pub(crate) mode: u32,
}

/// An open folder and the name of a file in it.
struct Place {
    folder: OwnedFd,
    name: String,
}

impl Guarded {
    pub(crate) fn new(tree: Tree, allowed: &[PathBuf]) -> Self {
        Self { tree, allowed: allowed.to_vec() }
    }

    /// Whether a path is absolute and plain.
    pub(crate) fn is_plain(path: &str) -> bool {
        let plain = Path::new(path);
        let normal = |step| matches!(step, Component::Normal(_));
        plain.is_absolute() && plain.components().skip(1).all(normal) && !path.ends_with('/')
    }

    /// Whether a path is below an allowed folder.
    pub(crate) fn allows(&self, path: &str) -> bool {
        Self::is_plain(path) && self.split(path).is_some()
    }

    /// The allowed folder above a path, and the names from there.
    fn split<'a>(&self, path: &'a str) -> Option<(&Path, Vec<&'a str>)> {
        let plain = Path::new(path);
        let inside =
            |folder: &&PathBuf| plain.strip_prefix(folder).is_ok_and(|rest| rest.components().next().is_some());
        let folder = self.allowed.iter().filter(inside).max_by_key(|folder| folder.components().count())?;
        let names = plain.strip_prefix(folder).ok()?.components();
        Some((folder, names.filter_map(|name| name.as_os_str().to_str()).collect()))
    }

    /// Opens the way to a file; `None` when a folder is missing and is not to be made.
    fn place(&self, path: &str, make: bool) -> Result<Option<Place>, Fault> {
        let Some((above, names)) = self.split(path).filter(|_| Self::is_plain(path)) else {
            return Err(Fault::new(format!("this device allows no managed files at `{path}`")));
        };
        let Some((name, folders)) = names.split_last() else { return Err(Fault::new("no file is named")) };
        let start = self.tree.at(&above.to_string_lossy());
        let doing = |step: &str| format!("opening `{step}` on the way to `{path}`");
        if make {
            std::fs::create_dir_all(&start).map_err(|cause| Fault::because(&doing("its folder"), &cause))?;
        }
        let mut folder = match openat(CWD, &start, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
            Ok(folder) => folder,
            Err(Errno::NOENT) => return Ok(None),
            Err(cause) => return Err(Fault::because(&doing("its folder"), &cause)),
        };
        for step in folders {
            match descend(&folder, step, make) {
                Ok(Some(next)) => folder = next,
                Ok(None) => return Ok(None),
                Err(cause) => return Err(Fault::because(&doing(step), &cause)),
            }
        }
        Ok(Some(Place { folder, name: (*name).to_owned() }))
    }

    /// The file as it is; `None` when there is none.
    pub(crate) fn look(&self, path: &str) -> Result<Option<Held>, Fault> {
        let Some(place) = self.place(path, false)? else { return Ok(None) };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&place.folder, &place.name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(cause) => return Err(Fault::because(&format!("opening `{path}`"), &cause)),
        };
        let about = fstat(&file).map_err(|cause| Fault::because(&format!("looking at `{path}`"), &cause))?;
        if FileType::from_raw_mode(about.st_mode) != FileType::RegularFile {
            return Err(Fault::new(format!("`{path}` is not a plain file")));
        }
        let mut content = String::new();
        let read = File::from(file).take(LARGEST + 1).read_to_string(&mut content);
        read.map_err(|cause| Fault::because(&format!("reading `{path}` as text"), &cause))?;
        if content.len() as u64 > LARGEST {
            return Err(Fault::new(format!("`{path}` is larger than {LARGEST} bytes; it is left alone")));
        }
        Ok(Some(Held { content, mode: about.st_mode & 0o777 }))
    }

    /// Writes a file whole, or not at all; it stays its owner's.
    pub(crate) fn write(&self, path: &str, content: &str, mode: u32) -> Result<(), Fault> {
        let doing = format!("writing `{path}`");
        let Some(place) = self.place(path, true)? else { return Err(Fault::new(doing)) };
        put(&place, content, mode).map_err(|cause| Fault::because(&doing, &cause))
    }

    /// Takes a file away; nothing happens when there is none.
    pub(crate) fn remove(&self, path: &str) -> Result<(), Fault> {
        let Some(place) = self.place(path, false)? else { return Ok(()) };
        match unlinkat(&place.folder, &place.name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(cause) => Err(Fault::because(&format!("removing `{path}`"), &cause)),
        }
    }
}

/// One folder deeper, without following a link; `None` when there is none.
fn descend(folder: &OwnedFd, step: &str, make: bool) -> Result<Option<OwnedFd>, Errno> {
    if make {
        match mkdirat(folder, step, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(cause) => return Err(cause),
        }
    }
    match openat(folder, step, OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
        Err(Errno::NOENT) => Ok(None),
        opened => opened.map(Some),
    }
}

/// Gives the file the owner of the one whose place it takes: a program whose file is managed must still read it.
fn keep_owner(place: &Place, next: &File) -> io::Result<()> {
    let held = match statat(&place.folder, &place.name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(held) => held,
        Err(Errno::NOENT) => return Ok(()),
        Err(cause) => return Err(cause.into()),
    };
    let own = fstat(next)?;
    if (held.st_uid, held.st_gid) != (own.st_uid, own.st_gid) {
        fchown(next, Some(Uid::from_raw(held.st_uid)), Some(Gid::from_raw(held.st_gid)))?;
    }
    Ok(())
}

/// Writes beside the file and lets that take its place.
fn put(place: &Place, content: &str, mode: u32) -> io::Result<()> {
    let next = format!(".{}.twinops", place.name);
    match unlinkat(&place.folder, &next, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(cause) => return Err(cause.into()),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(openat(&place.folder, &next, flags, Mode::from_raw_mode(0o600))?);
    file.write_all(content.as_bytes())?;
    keep_owner(place, &file)?;
    // Last, because another owner takes some permissions away.
    fchmod(&file, Mode::from_raw_mode(mode))?;
    file.sync_all()?;
    renameat(&place.folder, &next, &place.folder, &place.name)?;
    rustix::fs::fsync(&place.folder)?;
    Ok(())
}
