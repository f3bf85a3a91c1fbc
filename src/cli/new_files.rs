//! Files that are all written, or none of them: [`write()`] never over another, [`replace()`] in the place of what is there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A file to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) executable: bool,
}

impl NewFile {
    pub(crate) fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), executable: false }
    }

    pub(crate) fn executable(self) -> Self {
        Self { executable: true, ..self }
    }
}

/// Why files were not written; none of them is there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NewFilesError {
    #[error("{} there already: {}", if .0.len() == 1 { "a file is" } else { "files are" }, shown(.0))]
    Taken(Vec<PathBuf>),
    #[error("cannot write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
}

fn shown(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Writes `files`, whose paths lie below `root`; the last one appears last. A `root` that is not there yet appears as a
/// whole.
///
/// # Errors
/// When a file is there already, or one cannot be written: then nothing of it is left.
pub(crate) fn write(root: &Path, files: &[NewFile]) -> Result<(), NewFilesError> {
    let taken = taken(root, files);
    if !taken.is_empty() {
        return Err(NewFilesError::Taken(taken));
    }
    let stage = Stage::beside(root)?;
    files.iter().try_for_each(|file| stage.write(file))?;
    if root.exists() { stage.move_all(root, files) } else { stage.become_folder(root) }
}

/// Writes `files`, whose paths lie below `root`, in the place of what is there. Each appears as a whole, and none before
/// all of them have been written; who may run a file stays as it was.
///
/// # Errors
/// When one cannot be written: then none has been touched, or, should its folder not take a rename, those before it.
pub(crate) fn replace(root: &Path, files: impl IntoIterator<Item = NewFile>) -> Result<(), NewFilesError> {
    let stage = Stage::beside(root)?;
    let mut written = Vec::new();
    for file in files {
        let executable = file.executable || is_executable(&root.join(&file.path));
        let file = NewFile { executable, ..file };
        stage.write(&file)?;
        written.push(file.path);
    }
    for path in written {
        let (from, to) = (stage.folder.join(&path), root.join(&path));
        let made = to.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::rename(&from, &to)).map_err(failed(&to))?;
    }
    Ok(())
}

/// Those whose place is taken.
pub(crate) fn taken(root: &Path, files: &[NewFile]) -> Vec<PathBuf> {
    files.iter().map(|file| root.join(&file.path)).filter(|path| path.symlink_metadata().is_ok()).collect()
}

fn failed(path: &Path) -> impl Fn(io::Error) -> NewFilesError + '_ {
    |cause| NewFilesError::Write { path: path.to_owned(), cause }
}

/// A folder in which files wait until all of them are there. It goes when this is dropped.
struct Stage {
    folder: PathBuf,
}

impl Stage {
    /// In the same file system as `root`: a rename is enough then. In a folder that exists it begins with a dot, so that
    /// no fleet looks into it.
    fn beside(root: &Path) -> Result<Self, NewFilesError> {
        let own = format!(".twinops-new-{}-{:08x}", std::process::id(), fastrand::u32(..));
        let place = if root.exists() { Some(root) } else { root.parent() };
        let place = place.filter(|place| !place.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = place.join(own);
        fs::create_dir_all(&folder).map_err(failed(&folder))?;
        Ok(Self { folder })
    }

    fn write(&self, file: &NewFile) -> Result<(), NewFilesError> {
        let path = self.folder.join(&file.path);
        let written = (|| {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(&path, &file.text)?;
            if file.executable { make_executable(&path) } else { Ok(()) }
        })();
        written.map_err(failed(&path))
    }

    fn become_folder(self, root: &Path) -> Result<(), NewFilesError> {
        fs::rename(&self.folder, root).map_err(failed(root))
    }

    /// Moves file by file; what was moved before one that fails is taken back.
    fn move_all(&self, root: &Path, files: &[NewFile]) -> Result<(), NewFilesError> {
        let mut undo = Undo::default();
        for file in files {
            let (from, to) = (self.folder.join(&file.path), root.join(&file.path));
            to.parent().map_or(Ok(()), |parent| undo.make_folders(parent)).map_err(failed(&to))?;
            place(&from, &to).map_err(failed(&to))?;
            undo.files.push(to);
        }
        undo.keep();
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _only_litter_is_left = fs::remove_dir_all(&self.folder);
    }
}

/// A second name for the file, not a rename: a rename would replace what somebody has put there in the meantime.
fn place(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists && !to.exists() => fs::rename(from, to),
        done => done,
    }
}

/// What was made so far; taken back when this is dropped before [`Undo::keep`].
#[derive(Default)]
struct Undo {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Undo {
    fn make_folders(&mut self, folder: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = folder.ancestors().take_while(|path| !path.exists()).collect();
        for path in missing.into_iter().rev().filter(|path| !path.as_os_str().is_empty()) {
            fs::create_dir(path)?;
            self.folders.push(path.to_owned());
        }
        Ok(())
    }

    fn keep(mut self) {
        self.files.clear();
        self.folders.clear();
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        for file in &self.files {
            let _only_litter_is_left = fs::remove_file(file);
        }
        for folder in self.folders.iter().rev() {
            let _only_litter_is_left = fs::remove_dir(folder);
        }
    }
}

#[cfg(unix)]
fn make_executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    false
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_folder_appears_as_a_whole() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("fleet");
        write(&root, &[NewFile::new("a/b", "1"), NewFile::new("c", "2").executable()]).unwrap();
        assert_eq!(fs::read_to_string(root.join("a/b")).unwrap(), "1");
        assert_eq!(names(place.path()), ["fleet"]);
    }

    #[test]
    fn a_file_that_is_there_stops_all_of_them() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("c"), "mine").unwrap();
        let error = write(root.path(), &[NewFile::new("a/b", "1"), NewFile::new("c", "2")]).unwrap_err();
        assert_eq!(error.to_string(), format!("a file is there already: {}", root.path().join("c").display()));
        assert_eq!(
            (names(root.path()), fs::read_to_string(root.path().join("c")).unwrap()),
            (vec!["c".to_owned()], "mine".to_owned())
        );
    }

    #[test]
    fn a_file_that_cannot_be_written_takes_the_others_with_it() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("taken"), "a file where a folder is wanted").unwrap();
        let error = write(root.path(), &[NewFile::new("a/b", "1"), NewFile::new("taken/c", "2")]).unwrap_err();
        assert!(matches!(error, NewFilesError::Write { .. }), "{error:?}");
        assert_eq!(names(root.path()), ["taken"]);
    }

    #[test]
    fn what_is_there_is_replaced_only_once_all_is_written() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        write(root.path(), &[NewFile::new("run", "1").executable(), NewFile::new("text", "1")]).unwrap();
        replace(root.path(), [NewFile::new("run", "2"), NewFile::new("new/one", "2")]).unwrap();
        assert_eq!(["run", "text", "new/one"].map(|name| fs::read_to_string(at(name)).unwrap()), ["2", "1", "2"]);
        assert!(is_executable(&at("run")) && !is_executable(&at("new/one")));
        // The second cannot be written at all: the first stays as it was.
        let files = [NewFile::new("text", "3"), NewFile::new("text/below", "3")];
        assert!(matches!(replace(root.path(), files), Err(NewFilesError::Write { .. })));
        assert_eq!(fs::read_to_string(at("text")).unwrap(), "1");
        assert_eq!(names(root.path()), ["new", "run", "text"]);
    }
}
