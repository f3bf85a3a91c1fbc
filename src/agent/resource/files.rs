//! `files` on Linux: text files below the folders that the device allows.
//!
//! Every step on the way to a file is opened without following links, so that nobody who may write below an allowed
//! folder can lead the agent out of it.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read as _, Write as _},
    os::fd::OwnedFd,
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Gid, Mode, OFlags, Uid, fchmod, fchown, fstat, mkdirat, openat, renameat, statat, unlinkat},
    io::Errno,
};
use serde_json::{Value, json};

use super::{Fault, Refusal, Resource};
use crate::component::files::{ManagedFile, check_id};

/// The largest file that is read: more could neither be reported nor kept for putting it back.
const LARGEST: u64 = 64 * 1024;
const NEW_FILE: u32 = 0o644;

/// The managed files.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    /// What stands before every path: `/` but for tests and images.
    root: PathBuf,
    /// The folders below which files may be managed.
    allowed: Vec<PathBuf>,
}

/// An open folder and the name of a file in it.
struct Place {
    folder: OwnedFd,
    name: String,
}

impl Files {
    pub(crate) fn new(root: &Path, allowed: &[PathBuf]) -> Self {
        Self { root: root.to_owned(), allowed: allowed.to_vec() }
    }

    /// The allowed folder above a path, and the names from there.
    fn split<'a>(&self, path: &'a str) -> Result<(&Path, Vec<&'a str>), Refusal> {
        let plain = Path::new(path);
        let steps = || plain.components().skip(1);
        if !plain.is_absolute() || !steps().all(|step| matches!(step, Component::Normal(_))) || path.ends_with('/') {
            return Err(Refusal::Invalid(format!("`{path}` is not an absolute path without `..`")));
        }
        let inside =
            |folder: &&PathBuf| plain.strip_prefix(folder).is_ok_and(|rest| rest.components().next().is_some());
        let Some(folder) = self.allowed.iter().filter(inside).max_by_key(|folder| folder.components().count()) else {
            return Err(Refusal::Forbidden(format!("this device allows no managed files at `{path}`")));
        };
        let names = plain.strip_prefix(folder).map(Path::components).into_iter().flatten();
        Ok((folder, names.filter_map(|name| name.as_os_str().to_str()).collect()))
    }

    /// Opens the way to a file; `None` when a folder is missing and is not to be made.
    fn place(&self, path: &str, make: bool) -> Result<Option<Place>, Fault> {
        let (above, names) = self.split(path).map_err(|refusal| Fault::new(refusal.to_string()))?;
        let Some((name, folders)) = names.split_last() else { return Err(Fault::new("no file is named")) };
        let start = self.root.join(above.strip_prefix("/").unwrap_or(above));
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
            if make {
                match mkdirat(&folder, *step, Mode::from_raw_mode(0o755)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(cause) => return Err(Fault::because(&doing(step), &cause)),
                }
            }
            let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            folder = match openat(&folder, *step, flags, Mode::empty()) {
                Ok(folder) => folder,
                Err(Errno::NOENT) => return Ok(None),
                Err(cause) => return Err(Fault::because(&doing(step), &cause)),
            };
        }
        Ok(Some(Place { folder, name: (*name).to_owned() }))
    }

    /// The file as it is, in the words of the component.
    fn look(&self, path: &str) -> Result<Value, Fault> {
        let absent = json!({"path": path, "state": "absent"});
        let Some(place) = self.place(path, false)? else { return Ok(absent) };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&place.folder, &place.name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(absent),
            Err(cause) => return Err(Fault::because(&format!("opening `{path}`"), &cause)),
        };
        let about = fstat(&file).map_err(|cause| Fault::because(&format!("looking at `{path}`"), &cause))?;
        if rustix::fs::FileType::from_raw_mode(about.st_mode) != rustix::fs::FileType::RegularFile {
            return Err(Fault::new(format!("`{path}` is not a plain file")));
        }
        let mut content = String::new();
        let read = File::from(file).take(LARGEST + 1).read_to_string(&mut content);
        read.map_err(|cause| Fault::because(&format!("reading `{path}` as text"), &cause))?;
        if content.len() as u64 > LARGEST {
            return Err(Fault::new(format!("`{path}` is larger than {LARGEST} bytes; it is left alone")));
        }
        let mode = format!("{:04o}", about.st_mode & 0o777);
        Ok(json!({"path": path, "content": content, "mode": mode, "state": "present"}))
    }

    fn write(&self, file: &ManagedFile, content: &str) -> Result<(), Fault> {
        let doing = format!("writing `{}`", file.path);
        let wanted = file.mode_bits().map_err(|fault| Fault::because(&doing, &fault))?;
        let mode = wanted.or_else(|| self.mode_of(&file.path)).unwrap_or(NEW_FILE);
        let Some(place) = self.place(&file.path, true)? else { return Err(Fault::new(doing)) };
        put(&place, content, mode).map_err(|cause| Fault::because(&doing, &cause))
    }

    /// The permissions of the file that is there.
    fn mode_of(&self, path: &str) -> Option<u32> {
        u32::from_str_radix(self.look(path).ok()?.get("mode")?.as_str()?, 8).ok()
    }

    fn take_away(&self, path: &str) -> Result<(), Fault> {
        let Some(place) = self.place(path, false)? else { return Ok(()) };
        match unlinkat(&place.folder, &place.name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(cause) => Err(Fault::because(&format!("removing `{path}`"), &cause)),
        }
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

fn parse(wanted: &Value) -> Result<ManagedFile, Refusal> {
    let file: ManagedFile =
        serde_json::from_value(wanted.clone()).map_err(|fault| Refusal::Invalid(fault.to_string()))?;
    file.check().map_err(|fault| Refusal::Invalid(fault.to_string()))?;
    Ok(file)
}

impl Resource for Files {
    fn place<'a>(&self, property: &'a str, wanted: &'a Value) -> Cow<'a, str> {
        Cow::Borrowed(wanted.get("path").and_then(Value::as_str).unwrap_or(property))
    }

    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal> {
        check_id(property).map_err(|fault| Refusal::Invalid(fault.to_string()))?;
        self.split(&parse(wanted)?.path).map(drop)
    }

    async fn read(&self, _property: &str, wanted: &Value) -> Result<Option<Value>, Fault> {
        let path = wanted.get("path").and_then(Value::as_str).unwrap_or_default();
        let mut found = self.look(path)?;
        // `0644` and `644` are the same wish.
        let short = wanted.get("mode").and_then(Value::as_str);
        let same = |held: &&mut Value| held.as_str().and_then(|held| held.strip_prefix('0')) == short;
        if let (Some(short), Some(held)) = (short, found.get_mut("mode").filter(same)) {
            *held = short.into();
        }
        Ok(Some(found))
    }

    async fn ensure(&self, property: &str, wanted: Option<&Value>) -> Result<(), Fault> {
        let Some(wanted) = wanted else { return Err(Fault::new(format!("`{property}` names no file"))) };
        let file = parse(wanted).map_err(|refusal| Fault::new(refusal.to_string()))?;
        match &file.content {
            Some(content) => self.write(&file, content),
            None => self.take_away(&file.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn device() -> (tempfile::TempDir, Files) {
        let root = tempfile::tempdir().unwrap();
        let files = Files::new(root.path(), &["/etc/app".into(), "/opt/app".into()]);
        (root, files)
    }

    async fn seen(files: &Files, wanted: &Value) -> Value {
        files.read("a", wanted).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_file_is_written_read_back_and_put_back() {
        let (root, files) = device();
        let wanted = json!({"path": "/etc/app/deep/x.conf", "content": "a = 1\n", "mode": "0600"});
        let before = seen(&files, &wanted).await;
        assert_eq!(before, json!({"path": "/etc/app/deep/x.conf", "state": "absent"}));
        files.ensure("a", Some(&wanted)).await.unwrap();
        let after = seen(&files, &wanted).await;
        assert_eq!((&after["content"], &after["mode"]), (&json!("a = 1\n"), &json!("0600")));
        assert_eq!(fs::read_to_string(root.path().join("etc/app/deep/x.conf")).unwrap(), "a = 1\n");
        files.ensure("a", Some(&before)).await.unwrap();
        assert!(!root.path().join("etc/app/deep/x.conf").exists());
    }

    #[tokio::test]
    async fn permissions_that_nobody_names_stay() {
        let (_root, files) = device();
        let wanted = json!({"path": "/etc/app/x", "content": "1", "mode": "640"});
        files.ensure("a", Some(&wanted)).await.unwrap();
        assert_eq!(seen(&files, &wanted).await["mode"], json!("640"));
        files.ensure("a", Some(&json!({"path": "/etc/app/x", "content": "2"}))).await.unwrap();
        assert_eq!(seen(&files, &wanted).await["mode"], json!("640"));
    }

    #[tokio::test]
    async fn whose_the_file_was_it_stays() {
        use std::os::unix::fs::{MetadataExt as _, chown};
        let (root, files) = device();
        let wanted = |content: &str| json!({"path": "/etc/app/x", "content": content});
        files.ensure("a", Some(&wanted("1"))).await.unwrap();
        let path = root.path().join("etc/app/x");
        // Only root may give files away; for others the owner that is checked is their own.
        let _given = chown(&path, Some(12_345), Some(12_346));
        let owner = || fs::metadata(&path).map(|about| (about.uid(), about.gid())).unwrap();
        let before = owner();
        files.ensure("a", Some(&wanted("2"))).await.unwrap();
        assert_eq!((owner(), fs::read_to_string(&path).unwrap().as_str()), (before, "2"));
    }

    #[test]
    fn paths_outside_the_allowed_folders_are_refused() {
        let (_root, files) = device();
        let check = |path: &str| files.check("a", &json!({"path": path, "content": ""}));
        for path in ["etc/app/x", "/etc/app/../passwd", "/etc/app/x/..", "/etc/app/"] {
            assert!(matches!(check(path), Err(Refusal::Invalid(_))), "{path}");
        }
        for path in ["/etc/passwd", "/etc/app", "/etc/apparmor/x"] {
            assert!(matches!(check(path), Err(Refusal::Forbidden(_))), "{path}");
        }
        assert_eq!(check("/opt/app/x"), Ok(()));
        assert!(files.check("a.b", &json!({"path": "/opt/app/x", "content": ""})).is_err());
    }

    #[tokio::test]
    async fn links_lead_nowhere() {
        let (root, files) = device();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "s").unwrap();
        fs::create_dir_all(root.path().join("etc/app")).unwrap();
        symlink(outside.path(), root.path().join("etc/app/door")).unwrap();
        symlink(outside.path().join("secret"), root.path().join("etc/app/window")).unwrap();
        let wanted = json!({"path": "/etc/app/door/new", "content": "x"});
        assert!(files.ensure("a", Some(&wanted)).await.is_err());
        assert!(files.read("a", &wanted).await.is_err());
        assert!(files.read("a", &json!({"path": "/etc/app/window"})).await.is_err());
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn what_is_no_text_file_is_left_alone() {
        let (root, files) = device();
        fs::create_dir_all(root.path().join("etc/app/folder")).unwrap();
        fs::write(root.path().join("etc/app/binary"), [0xff, 0xfe]).unwrap();
        for path in ["/etc/app/folder", "/etc/app/binary"] {
            assert!(files.read("a", &json!({"path": path})).await.is_err(), "{path}");
        }
    }
}
