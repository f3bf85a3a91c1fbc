//! Files of logs: found by patterns below folders that the device allows, without following links.

use std::{
    fs::File,
    os::fd::OwnedFd,
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{CWD, Dir, FileType, Mode, OFlags, fstat, openat},
    io::Errno,
};

use super::{Fault, Tree};

/// As many files are found for one pattern.
const MOST: usize = 256;
/// As many names are looked at in one folder.
const MOST_NAMES: usize = 10_000;

/// Finds files.
#[derive(Debug, Clone)]
pub(crate) struct Gather {
    tree: Tree,
    allowed: Vec<PathBuf>,
}

/// A file that was found and opened.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its path on the device.
    pub(crate) path: String,
    pub(crate) file: File,
    /// In bytes.
    pub(crate) size: u64,
}

impl Gather {
    pub(crate) fn new(tree: Tree, allowed: &[PathBuf]) -> Self {
        Self { tree, allowed: allowed.to_vec() }
    }

    /// Why a pattern is not taken; `None` when it is.
    pub(crate) fn lack(&self, pattern: &str) -> Option<String> {
        let steps = Path::new(pattern).components().skip(1);
        let plain = Path::new(pattern).is_absolute() && steps.clone().all(|step| matches!(step, Component::Normal(_)));
        if !plain {
            return Some(format!("`{pattern}` is no absolute path"));
        }
        let none = || format!("this device allows no file of logs at `{pattern}`; see `--log-folder`");
        self.split(pattern).is_none().then(none)
    }

    /// The allowed folder above a pattern, and the steps from there.
    fn split<'p>(&self, pattern: &'p str) -> Option<(&Path, Vec<&'p str>)> {
        let fits = |folder: &&PathBuf| Path::new(pattern).strip_prefix(folder).is_ok_and(|rest| rest != Path::new(""));
        let folder = self.allowed.iter().filter(fits).max_by_key(|folder| folder.components().count())?;
        let steps = Path::new(pattern).strip_prefix(folder).ok()?.components();
        Some((folder, steps.filter_map(|step| step.as_os_str().to_str()).collect()))
    }

    /// The files of a pattern, in the order of their names. What cannot be opened is left out.
    ///
    /// # Errors
    /// When the pattern is not allowed or its folder cannot be opened.
    pub(crate) fn find(&self, pattern: &str) -> Result<Vec<Found>, Fault> {
        let Some((folder, steps)) = self.split(pattern).filter(|_| self.lack(pattern).is_none()) else {
            return Err(Fault::new(self.lack(pattern).unwrap_or_default()));
        };
        let start = self.tree.at(&folder.to_string_lossy());
        let opened = match openat(CWD, &start, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
            Ok(opened) => opened,
            Err(Errno::NOENT) => return Ok(Vec::new()),
            Err(cause) => return Err(Fault::because(&format!("opening `{}`", folder.display()), &cause)),
        };
        let mut found = Vec::new();
        walk(&opened, folder, &steps, &mut found);
        Ok(found)
    }
}

fn walk(folder: &OwnedFd, path: &Path, steps: &[&str], found: &mut Vec<Found>) {
    let Some((step, rest)) = steps.split_first() else { return };
    for name in names(folder, step) {
        if found.len() >= MOST {
            return;
        }
        let below = path.join(&name);
        if rest.is_empty() {
            found.extend(open(folder, &name, &below));
        } else if let Ok(next) = openat(folder, &name, FOLDER, Mode::empty()) {
            walk(&next, &below, rest, found);
        }
    }
}

/// No link is followed on the way.
const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The names in a folder that a step means.
fn names(folder: &OwnedFd, step: &str) -> Vec<String> {
    if !step.contains(['*', '?']) {
        return vec![step.to_owned()];
    }
    let Ok(entries) = Dir::read_from(folder) else { return Vec::new() };
    let entries = entries.take(MOST_NAMES).filter_map(Result::ok);
    let named = entries.filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned));
    // What begins with a dot is meant only where that is written.
    let meant = |name: &String| (step.starts_with('.') || !name.starts_with('.')) && fits(step, name);
    let mut fitting: Vec<String> = named.filter(meant).collect();
    fitting.sort();
    fitting
}

fn open(folder: &OwnedFd, name: &str, path: &Path) -> Option<Found> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(folder, name, flags, Mode::empty()).ok()?;
    let about = fstat(&file).ok()?;
    let plain = FileType::from_raw_mode(about.st_mode) == FileType::RegularFile;
    let size = u64::try_from(about.st_size).ok()?;
    plain.then(|| Found { path: path.display().to_string(), file: file.into(), size })
}

/// Whether a name is meant by a pattern of `*` and `?`.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // Where the last star stood, and how far the name had come by then.
    let (mut at, mut here, mut star) = (0, 0, None);
    while here < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, here));
                at += 1;
            }
            Some(c) if *c == '?' || *c == name[here] => {
                at += 1;
                here += 1;
            }
            _ => {
                let Some((stood, came)) = star else { return false };
                star = Some((stood, came + 1));
                at = stood + 1;
                here = came + 1;
            }
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_elsewhere() {
        for (pattern, name, is) in [
            ("*", "", true),
            ("*.log", "a.log", true),
            ("*.log", "a.log.1", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*ab", "aab", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, name), is, "{pattern} {name}");
        }
        // No pattern takes for ever.
        assert!(!fits(&"*a".repeat(60), &"a".repeat(59)));
    }

    #[test]
    fn only_files_below_allowed_folders_are_found_and_no_link_is_followed() {
        let root = tempfile::tempdir().unwrap();
        let logs = root.path().join("var/log/acme/old");
        fs::create_dir_all(&logs).unwrap();
        for name in ["var/log/acme/b.log", "var/log/acme/a.log", "var/log/acme/old/c.log", "var/log/acme/.h.log"] {
            fs::write(root.path().join(name), name).unwrap();
        }
        fs::write(root.path().join("secret.log"), "s").unwrap();
        symlink(root.path().join("secret.log"), root.path().join("var/log/acme/link.log")).unwrap();
        symlink(root.path(), root.path().join("var/log/acme/up")).unwrap();
        let gather = Gather::new(Tree::new(root.path()), &["/var/log/acme".into()]);
        let paths = |pattern: &str| -> Vec<String> {
            gather.find(pattern).unwrap().into_iter().map(|found| found.path).collect()
        };
        assert_eq!(paths("/var/log/acme/*.log"), ["/var/log/acme/a.log", "/var/log/acme/b.log"]);
        assert_eq!(paths("/var/log/acme/*/*.log"), ["/var/log/acme/old/c.log"]);
        assert_eq!(paths("/var/log/acme/none.log"), Vec::<String>::new());
        for pattern in ["/var/log/acme/../../secret.log", "/secret.log", "/var/log/acme", "var/log/acme/a.log", "/"] {
            assert!(gather.lack(pattern).is_some() && gather.find(pattern).is_err(), "{pattern}");
        }
    }
}
