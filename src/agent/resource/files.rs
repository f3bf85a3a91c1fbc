//! `files` on Linux: text files below the folders that the device allows.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{Fault, Refusal, Resource};
use crate::{
    agent::port::{Guarded, Tree},
    component::files::{ManagedFile, check_id},
};

const NEW_FILE: u32 = 0o644;

/// The managed files.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    folders: Guarded,
}

impl Files {
    /// The files of the device that begins at `root`, below the `allowed` folders.
    pub(crate) fn new(root: &Path, allowed: &[PathBuf]) -> Self {
        Self { folders: Guarded::new(Tree::new(root), allowed) }
    }

    /// The file as it is, in the words of the component.
    fn look(&self, path: &str) -> Result<Value, Fault> {
        Ok(match self.folders.look(path)? {
            None => json!({"path": path, "state": "absent"}),
            Some(held) => {
                let mode = format!("{:04o}", held.mode);
                json!({"path": path, "content": held.content, "mode": mode, "state": "present"})
            }
        })
    }

    fn write(&self, file: &ManagedFile, content: &str) -> Result<(), Fault> {
        let wanted = file.mode_bits().map_err(|fault| Fault::because(&format!("writing `{}`", file.path), &fault))?;
        let held = || Some(self.folders.look(&file.path).ok()??.mode);
        self.folders.write(&file.path, content, wanted.or_else(held).unwrap_or(NEW_FILE))
    }

    fn allowed(&self, path: &str) -> Result<(), Refusal> {
        if !Guarded::is_plain(path) {
            return Err(Refusal::Invalid(format!("`{path}` is not an absolute path without `..`")));
        }
        let forbidden = || Refusal::Forbidden(format!("this device allows no managed files at `{path}`"));
        self.folders.allows(path).then_some(()).ok_or_else(forbidden)
    }
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
        self.allowed(&parse(wanted)?.path)
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
            None => self.folders.remove(&file.path),
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
