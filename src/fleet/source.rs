//! The files of a fleet repository as they were read: bytes and paths, nothing understood yet.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use rayon::prelude::*;

/// Folders that never hold documents, besides those whose name begins with a dot.
const SKIPPED: [&str; 2] = ["node_modules", "target"];
/// How the name of a component's schema ends.
const SCHEMA: &str = ".schema.json";
/// How the name of a file ends that SOPS has sealed.
const SEALED: [&str; 3] = [".sops.yaml", ".sops.yml", ".sops.json"];

/// All files of one revision that matter, in order of path. Where they came from (a folder, git objects) is forgotten.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// Files that may hold documents: `*.yaml` and `*.yml`.
    pub files: Vec<SourceFile>,
    /// The fleet's own component schemas: `components/*.schema.json`.
    pub schemas: Vec<SourceFile>,
    /// Secrets that SOPS has sealed: `*.sops.yaml`, `*.sops.yml` and `*.sops.json`. No documents are in them.
    pub sealed: Vec<SourceFile>,
}

/// One file.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Relative to the fleet's root, with `/`.
    pub path: Arc<str>,
    /// What stands in it; not known to be UTF-8 yet.
    pub text: Arc<[u8]>,
}

/// What a path is to a fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// It may hold documents.
    Documents,
    /// It is the schema of a component.
    Schema,
    /// It holds secrets, sealed.
    Sealed,
}

/// A file of a folder, not read.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Relative to the fleet's root, with `/`.
    pub path: Arc<str>,
    /// Where it lies.
    pub at: PathBuf,
    /// How it looks from outside.
    pub stamp: Stamp,
}

/// How a file looks without being read. One that looks the same later is the same, if the stamp was not taken in the
/// moment in which it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// When its content changed last, in nanoseconds since 1970.
    pub modified: i128,
    /// When anything about it changed last.
    pub changed: i128,
    /// In bytes.
    pub size: u64,
    /// Which file of the file system; as much of the number as git keeps.
    pub inode: u32,
}

impl Stamp {
    /// What the file system says.
    #[expect(clippy::cast_possible_truncation, reason = "git keeps the lower half of the number too")]
    pub fn of(meta: &fs::Metadata) -> Self {
        let time = |seconds: i64, more: i64| i128::from(seconds) * 1_000_000_000 + i128::from(more);
        Self {
            modified: time(meta.mtime(), meta.mtime_nsec()),
            changed: time(meta.ctime(), meta.ctime_nsec()),
            size: meta.size(),
            inode: meta.ino() as u32,
        }
    }
}

/// Why a folder could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
pub struct SourceError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub cause: io::Error,
}

impl FileKind {
    /// Whether a file at `path` (relative to the fleet's root, with `/`) matters, and as what. Readers of folders and
    /// of git objects ask the same question, so that a commit and its checkout are one fleet.
    pub fn of(path: &str) -> Option<Self> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let hidden = |part: &str| part.starts_with('.') || SKIPPED.contains(&part);
        if folder.split('/').any(hidden) || name.starts_with('.') {
            return None;
        }
        if folder == "components" && name.len() > SCHEMA.len() && name.ends_with(SCHEMA) {
            return Some(Self::Schema);
        }
        if SEALED.iter().any(|end| name.ends_with(end)) {
            return Some(Self::Sealed);
        }
        let (_, extension) = name.rsplit_once('.')?;
        matches!(extension, "yaml" | "yml").then_some(Self::Documents)
    }
}

impl SourceFile {
    /// The component that a schema file describes: its name without `.schema.json`.
    pub fn component(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.strip_suffix(SCHEMA).unwrap_or(name)
    }
}

impl Source {
    /// Takes files read elsewhere; those that do not matter are dropped.
    pub fn from_files(files: impl IntoIterator<Item = SourceFile>) -> Self {
        let mut source = Self::default();
        for file in files {
            match FileKind::of(&file.path) {
                Some(FileKind::Documents) => source.files.push(file),
                Some(FileKind::Schema) => source.schemas.push(file),
                Some(FileKind::Sealed) => source.sealed.push(file),
                None => {}
            }
        }
        for files in [&mut source.files, &mut source.schemas, &mut source.sealed] {
            files.sort_by(|a, b| a.path.cmp(&b.path));
        }
        source
    }

    /// The same with these files, by path, instead of those that are there or besides them.
    #[must_use]
    pub fn with<'f>(&self, files: impl IntoIterator<Item = (&'f Arc<str>, &'f String)>) -> Self {
        let new = files.into_iter().map(|(path, text)| SourceFile { path: path.clone(), text: text.as_bytes().into() });
        let mut all: BTreeMap<Arc<str>, SourceFile> = BTreeMap::new();
        let old = self.files.iter().chain(&self.schemas).chain(&self.sealed).cloned();
        all.extend(old.chain(new).map(|file| (file.path.clone(), file)));
        Self::from_files(all.into_values())
    }

    /// Reads every file that matters below `root`. Links are followed, but no folder is entered twice.
    ///
    /// # Errors
    /// At the first file or folder that cannot be read: half a fleet would look like a deletion.
    pub fn read_folder(root: &Path) -> Result<Self, SourceError> {
        let files: Result<Vec<_>, _> = Walk::through(root)?.into_par_iter().map(Found::read).collect();
        Ok(Self::from_files(files?))
    }

    /// Every file that matters below `root`, in order of path, without reading any.
    ///
    /// # Errors
    /// As [`Self::read_folder`].
    pub fn list_folder(root: &Path) -> Result<Vec<Entry>, SourceError> {
        let mut entries: Vec<Entry> =
            Walk::through(root)?.into_par_iter().with_min_len(64).map(Found::look).collect::<Result<_, _>>()?;
        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    /// The file of that path.
    pub fn file(&self, path: &str) -> Option<&SourceFile> {
        let find = |files: &'_ [SourceFile]| files.binary_search_by(|file| (*file.path).cmp(path)).ok();
        match find(&self.files) {
            Some(at) => self.files.get(at),
            None => self.schemas.get(find(&self.schemas)?),
        }
    }
}

/// Looks for files; they are read afterwards, many at a time.
struct Walk {
    files: Vec<Found>,
    seen: BTreeSet<PathBuf>,
}

struct Found {
    at: PathBuf,
    relative: String,
}

impl Found {
    fn look(self) -> Result<Entry, SourceError> {
        match fs::metadata(&self.at) {
            Ok(meta) => Ok(Entry { path: self.relative.into(), at: self.at, stamp: Stamp::of(&meta) }),
            Err(cause) => Err(SourceError { path: self.at, cause }),
        }
    }

    fn read(self) -> Result<SourceFile, SourceError> {
        match fs::read(&self.at) {
            Ok(text) => Ok(SourceFile { path: self.relative.into(), text: text.into() }),
            Err(cause) => Err(SourceError { path: self.at, cause }),
        }
    }
}

impl Walk {
    /// All files that matter below a folder.
    fn through(root: &Path) -> Result<Vec<Found>, SourceError> {
        let mut walk = Self { files: Vec::new(), seen: BTreeSet::new() };
        walk.folder(root, "")?;
        Ok(walk.files)
    }

    fn folder(&mut self, folder: &Path, prefix: &str) -> Result<(), SourceError> {
        let failed = |cause| SourceError { path: folder.to_owned(), cause };
        if !self.seen.insert(folder.canonicalize().map_err(failed)?) {
            return Ok(());
        }
        let mut entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(failed)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        entries.iter().try_for_each(|entry| self.entry(entry, prefix))
    }

    fn entry(&mut self, entry: &fs::DirEntry, prefix: &str) -> Result<(), SourceError> {
        // A name that is not UTF-8 cannot be told apart in a report, and git hosts do not show it either.
        let Ok(name) = entry.file_name().into_string() else { return Ok(()) };
        let path = entry.path();
        let failed = |cause| SourceError { path: path.clone(), cause };
        let relative = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(failed)?;
        let is_folder = kind.is_dir() || (kind.is_symlink() && path.is_dir());
        if is_folder {
            if name.starts_with('.') || SKIPPED.contains(&name.as_str()) {
                return Ok(());
            }
            return self.folder(&path, &format!("{relative}/"));
        }
        if FileKind::of(&relative).is_some() {
            self.files.push(Found { at: path, relative });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_may_hold_documents_or_schemas_matter() {
        for path in ["fleet.yaml", "devices/a.yml", "a/b/c.yaml"] {
            assert_eq!(FileKind::of(path), Some(FileKind::Documents), "{path}");
        }
        assert_eq!(FileKind::of("components/pump.schema.json"), Some(FileKind::Schema));
        for path in
            [".github/ci.yaml", "a/.x/b.yaml", "node_modules/x.yml", "target/x.yaml", ".x.yaml", "README.md", "yaml"]
        {
            assert_eq!(FileKind::of(path), None, "{path}");
        }
        for path in ["a/components/pump.schema.json", "components/.schema.json", "pump.schema.json"] {
            assert_eq!(FileKind::of(path), None, "{path}");
        }
    }

    #[test]
    fn a_folder_is_read_in_order_and_past_what_does_not_matter() {
        let root = tempfile::tempdir().unwrap();
        for path in ["b.yaml", "a/z.yml", "a/.git/x.yaml", "components/pump.schema.json", "notes.txt"] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        let source = Source::read_folder(root.path()).unwrap();
        assert_eq!(source.files.iter().map(|f| &*f.path).collect::<Vec<_>>(), ["a/z.yml", "b.yaml"]);
        assert_eq!(source.schemas[0].component(), "pump");
        assert!(source.file("b.yaml").is_some() && source.file("components/pump.schema.json").is_some());
        assert!(source.file("c.yaml").is_none());
    }

    #[cfg(unix)]
    #[test]
    fn a_loop_of_links_ends() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a.yaml"), "{}").unwrap();
        std::os::unix::fs::symlink(root.path(), root.path().join("again")).unwrap();
        assert_eq!(Source::read_folder(root.path()).unwrap().files.len(), 1);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = Source::read_folder(Path::new("/nowhere/at/all")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read /nowhere/at/all");
    }
}
