//! The files of the device, below a root.
//!
//! Below another root than `/`, links are followed inside it, as the system that lives there would follow them.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink},
    path::{Component, Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::Fault;

/// The largest file that is read whole, in bytes.
const LARGEST: u64 = 1 << 20;
/// The largest file that is kept for putting it back, in bytes.
const LARGEST_KEPT: u64 = 64 * 1024;
/// As many links as Linux follows.
const MOST_LINKS: usize = 40;

/// The files below a root.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    root: PathBuf,
}

/// What stood at a path, so that it can stand there again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kept {
    /// Nothing.
    Absent,
    /// A link.
    Link(String),
    /// A file.
    File {
        /// In base64.
        content: String,
        /// Its permissions.
        mode: u32,
        /// Its user and its group.
        owner: (u32, u32),
    },
}

/// The size of a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Disk {
    pub(crate) total: u64,
    pub(crate) free: u64,
}

impl Tree {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether this is the system that the agent runs in.
    pub(crate) fn is_system(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Where a path of the device really is; what does not exist yet is taken as it is written.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        if self.is_system() { Path::new("/").join(path) } else { self.inside(path, true) }
    }

    /// The same, but a link at its end stays one.
    fn entry(&self, path: &str) -> PathBuf {
        if self.is_system() { Path::new("/").join(path) } else { self.inside(path, false) }
    }

    fn inside(&self, path: &str, to_the_end: bool) -> PathBuf {
        let mut left: VecDeque<PathBuf> = steps(Path::new(path)).collect();
        let (mut here, mut links) = (PathBuf::new(), 0);
        while let Some(step) = left.pop_front() {
            if step == Path::new("..") {
                here.pop();
                continue;
            }
            let next = here.join(&step);
            let followed = to_the_end || !left.is_empty();
            match fs::read_link(self.root.join(&next)) {
                Ok(target) if followed && links < MOST_LINKS => {
                    links += 1;
                    if target.is_absolute() {
                        here = PathBuf::new();
                    }
                    steps(&target).rev().for_each(|step| left.push_front(step));
                }
                _ => here = next,
            }
        }
        self.root.join(here)
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.at(path).exists()
    }

    pub(crate) fn is_file(&self, path: &str) -> bool {
        self.at(path).is_file()
    }

    /// What a link says; `None` when there is none.
    pub(crate) fn link(&self, path: &str) -> Option<String> {
        fs::read_link(self.entry(path)).ok()?.into_os_string().into_string().ok()
    }

    /// The content of a file; `None` when there is none.
    pub(crate) fn bytes(&self, path: &str) -> Result<Option<Vec<u8>>, Fault> {
        let doing = || format!("reading `{path}`");
        match read(&self.at(path), LARGEST) {
            Ok(Some(bytes)) => Ok(Some(bytes)),
            Ok(None) => Err(Fault::new(format!("{}: it is larger than {LARGEST} bytes", doing()))),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(Fault::because(&doing(), &cause)),
        }
    }

    /// The content of a file as text; `None` when there is none.
    pub(crate) fn text(&self, path: &str) -> Result<Option<String>, Fault> {
        let bytes = self.bytes(path)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The names in a folder, sorted; none when it is not there.
    pub(crate) fn names(&self, folder: &str) -> Result<Vec<String>, Fault> {
        let fault = |cause: io::Error| Fault::because(&format!("reading the folder `{folder}`"), &cause);
        let entries = match fs::read_dir(self.at(folder)) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(fault(cause)),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry.map_err(fault)?.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    /// Writes a file whole, or not at all, also when the power goes: beside it first, then in its place.
    pub(crate) fn write(&self, path: &str, content: &[u8], mode: u32) -> Result<(), Fault> {
        self.replace(path, |next| {
            let mut options = fs::OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(0o600).open(next)?;
            file.write_all(content)?;
            file.set_permissions(fs::Permissions::from_mode(mode))?;
            file.sync_all()
        })
    }

    /// Writes a file that only its owner and everyone's reading eyes may use.
    pub(crate) fn write_text(&self, path: &str, text: &str) -> Result<(), Fault> {
        self.write(path, text.as_bytes(), 0o644)
    }

    /// Puts a link in the place of whatever is there.
    pub(crate) fn link_to(&self, path: &str, target: &str) -> Result<(), Fault> {
        self.replace(path, |next| symlink(target, next))
    }

    /// Takes a file or a link away; nothing happens when there is none.
    pub(crate) fn remove(&self, path: &str) -> Result<(), Fault> {
        let entry = self.entry(path);
        let done = match fs::remove_file(&entry) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(cause) => Err(cause),
            Ok(()) => sync_folder(&entry),
        };
        done.map_err(|cause| Fault::because(&format!("removing `{path}`"), &cause))
    }

    /// What stands at a path.
    pub(crate) fn keep(&self, path: &str) -> Result<Kept, Fault> {
        let fault = |cause: io::Error| Fault::because(&format!("keeping what `{path}` is"), &cause);
        let entry = self.entry(path);
        let about = match fs::symlink_metadata(&entry) {
            Ok(about) => about,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Kept::Absent),
            Err(cause) => return Err(fault(cause)),
        };
        if about.is_symlink() {
            let target = self.link(path);
            return target.map(Kept::Link).ok_or_else(|| Fault::new(format!("`{path}` is a link that is no text")));
        }
        let content = read(&entry, LARGEST_KEPT).map_err(fault)?;
        let content = content.ok_or_else(|| {
            Fault::new(format!("`{path}` is larger than {LARGEST_KEPT} bytes; it could not be put back"))
        })?;
        let (mode, owner) = (about.mode() & 0o7777, (about.uid(), about.gid()));
        Ok(Kept::File { content: STANDARD.encode(content), mode, owner })
    }

    /// Makes a path what it was.
    pub(crate) fn put_back(&self, path: &str, kept: &Kept) -> Result<(), Fault> {
        match kept {
            Kept::Absent => self.remove(path),
            Kept::Link(target) => self.link_to(path, target),
            Kept::File { content, mode, owner } => {
                let content =
                    STANDARD.decode(content).map_err(|cause| Fault::because("putting a file back", &cause))?;
                self.write(path, &content, *mode)?;
                // Only root may give files away; an agent that is not root could not have taken it from another.
                let _given = std::os::unix::fs::chown(self.entry(path), Some(owner.0), Some(owner.1));
                Ok(())
            }
        }
    }

    /// The size of the file system at the root.
    pub(crate) fn disk(&self) -> Option<Disk> {
        let disk = rustix::fs::statvfs(&self.root).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        Some(Disk { total: bytes(disk.f_blocks), free: bytes(disk.f_bavail) })
    }

    fn replace(&self, path: &str, make: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), Fault> {
        let entry = self.entry(path);
        let work = || {
            let folder = entry.parent().unwrap_or(&self.root);
            fs::create_dir_all(folder)?;
            let mut next = entry.clone().into_os_string();
            next.push(".twinops");
            // A dot-led name would be read by no tool, but neither is one with a suffix that they do not know.
            match fs::remove_file(&next) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
                _ => {}
            }
            make(Path::new(&next))?;
            fs::rename(&next, &entry)?;
            sync_folder(&entry)
        };
        work().map_err(|cause| Fault::because(&format!("writing `{path}`"), &cause))
    }
}

/// Kernel and machine, as `uname` tells them.
pub(crate) fn machine() -> (String, String) {
    let told = rustix::system::uname();
    (told.release().to_string_lossy().into_owned(), told.machine().to_string_lossy().into_owned())
}

fn steps(path: &Path) -> impl DoubleEndedIterator<Item = PathBuf> {
    path.components().filter_map(|step| match step {
        Component::Normal(name) => Some(PathBuf::from(name)),
        Component::ParentDir => Some(PathBuf::from("..")),
        _ => None,
    })
}

/// A file of at most so many bytes; `None` when it is larger.
fn read(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

fn sync_folder(entry: &Path) -> io::Result<()> {
    entry.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> (tempfile::TempDir, Tree) {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::new(root.path());
        (root, tree)
    }

    #[test]
    fn whatever_stood_at_a_path_stands_there_again() {
        let (root, tree) = tree();
        tree.write("etc/file", b"\xffold", 0o640).unwrap();
        tree.link_to("etc/link", "/usr/x").unwrap();
        for path in ["etc/file", "etc/link", "etc/none"] {
            let kept = tree.keep(path).unwrap();
            let written: Kept = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
            tree.write_text(path, "new").unwrap();
            assert_eq!(tree.text(path).unwrap().as_deref(), Some("new"));
            tree.put_back(path, &written).unwrap();
            assert_eq!(tree.keep(path).unwrap(), kept, "{path}");
        }
        assert_eq!(fs::read_dir(root.path().join("etc")).unwrap().count(), 2, "nothing is left beside them");
    }

    #[test]
    fn links_of_an_image_are_followed_inside_it() {
        let (root, tree) = tree();
        tree.link_to("var/run", "/run").unwrap();
        tree.link_to("etc/up", "../../../../outside").unwrap();
        tree.link_to("a", "b").unwrap();
        tree.link_to("b", "a").unwrap();
        tree.write_text("var/run/x", "1").unwrap();
        assert_eq!(fs::read_to_string(root.path().join("run/x")).unwrap(), "1");
        assert_eq!(tree.at("etc/up/y"), root.path().join("outside/y"));
        assert!(!tree.exists("a"));
    }

    #[test]
    fn a_large_file_is_not_kept() {
        let (_root, tree) = tree();
        tree.write("big", &vec![0; 70_000], 0o600).unwrap();
        assert!(tree.keep("big").unwrap_err().to_string().contains("larger than"));
        assert_eq!(tree.bytes("big").unwrap().unwrap().len(), 70_000);
    }
}
