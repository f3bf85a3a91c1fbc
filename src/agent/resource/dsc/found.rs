//! Finds resources: the manifests in the folders that the device's own configuration names.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use tracing::warn;

use super::DscFolders;
use crate::component::dsc::{ENDING, Manifest};

/// A manifest, and what is known of it.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) manifest: Manifest,
    /// The folder in which it lies, and its programs.
    pub(crate) folder: PathBuf,
    /// The manifest's own file.
    pub(crate) path: PathBuf,
    /// Why it is of no use.
    pub(crate) lack: Option<String>,
}

/// All resources by the name of their component. `taken` are the agent's own components.
pub(crate) fn find(configured: &DscFolders, taken: &[&str]) -> BTreeMap<String, Found> {
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for folder in &configured.folders {
        let paths = manifests(folder).unwrap_or_else(|fault| {
            warn!(folder = %folder.display(), %fault, "the folder of DSC resources cannot be read");
            Vec::new()
        });
        for path in paths {
            match read(&path, folder) {
                Ok(resource) => add(&mut found, resource, configured, taken),
                Err(fault) => warn!(manifest = %path.display(), fault, "this DSC resource is left out"),
            }
        }
    }
    found
}

fn add(found: &mut BTreeMap<String, Found>, resource: Found, configured: &DscFolders, taken: &[&str]) {
    let kind = &resource.manifest.type_name;
    let named = configured.names.iter().find(|(_, of)| of.eq_ignore_ascii_case(kind));
    let name = named.map_or_else(|| resource.manifest.component_name(), |(name, _)| name.clone());
    let manifest = resource.path.display().to_string();
    if name.is_empty() || taken.contains(&name.as_str()) {
        let word = "this DSC resource is left out: its component is one of the agent's own; name another";
        warn!(manifest, component = name, word);
        return;
    }
    match found.get_mut(&name) {
        // As on a search path: the first folder wins.
        Some(first) if first.manifest.type_name.eq_ignore_ascii_case(kind) => {}
        // Nobody guesses which one is meant.
        Some(first) => {
            let both =
                format!("`{}` and `{kind}` are both called `{name}`; name one of them", first.manifest.type_name);
            warn!(manifest, both, "these DSC resources cannot be told apart");
            first.lack = Some(both);
        }
        None => drop(found.insert(name, resource)),
    }
}

fn manifests(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_str().is_some_and(|path| path.ends_with(ENDING)) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn read(path: &Path, folder: &Path) -> Result<Found, String> {
    let text = fs::read(path).map_err(|fault| fault.to_string())?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|fault| fault.to_string())?;
    let lack = manifest.lack().or_else(|| distrust(&manifest, path, folder));
    Ok(Found { manifest, folder: folder.to_owned(), path: path.to_owned(), lack })
}

/// Why a resource is not to be trusted: others may have written what runs with the agent's rights.
fn distrust(manifest: &Manifest, path: &Path, folder: &Path) -> Option<String> {
    let Manifest { get, set, what_if, test, delete, .. } = manifest;
    let programs =
        [get, set, what_if, test, delete].into_iter().flatten().map(|each| program(&each.executable, folder));
    [folder.to_owned(), path.to_owned()].into_iter().chain(programs).find_map(|path| {
        let about = fs::metadata(&path).ok()?;
        let ours = [0, rustix::process::geteuid().as_raw()].contains(&about.uid());
        let closed = about.mode() & 0o022 == 0;
        (!ours || !closed)
            .then(|| format!("others may write to `{}`; let root own it, and nobody else write to it", path.display()))
    })
}

/// The program of an operation: beside the manifest, or where programs are.
pub(super) fn program(executable: &str, folder: &Path) -> PathBuf {
    let beside = folder.join(executable);
    if beside.is_file() { beside } else { PathBuf::from(executable) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use serde_json::json;

    use super::*;

    fn put(folder: &Path, file: &str, kind: &str) -> PathBuf {
        let path = folder.join(file);
        let manifest = json!({ "type": kind, "version": "1.0.0", "get": { "executable": "true" } });
        fs::write(&path, manifest.to_string()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        path
    }

    fn folders() -> (tempfile::TempDir, DscFolders) {
        let folder = tempfile::tempdir().unwrap();
        let configured = DscFolders { folders: vec![folder.path().to_owned()], names: Vec::new() };
        (folder, configured)
    }

    #[test]
    fn resources_are_components_by_their_type_or_as_the_device_names_them() {
        let (folder, mut configured) = folders();
        put(folder.path(), "a.dsc.resource.json", "Acme/Panel");
        put(folder.path(), "b.dsc.resource.json", "Acme/Time");
        fs::write(folder.path().join("c.dsc.resource.json"), "{").unwrap();
        fs::write(folder.path().join("panel.json"), "{}").unwrap();
        assert_eq!(find(&configured, &["time"]).into_keys().collect::<Vec<_>>(), ["panel"]);
        configured.names = vec![("clock".to_owned(), "acme/time".to_owned())];
        assert_eq!(find(&configured, &["time"]).into_keys().collect::<Vec<_>>(), ["clock", "panel"]);
    }

    #[test]
    fn two_resources_of_one_name_are_told_apart_by_the_device_alone() {
        let (folder, mut configured) = folders();
        put(folder.path(), "a.dsc.resource.json", "Acme/Panel");
        put(folder.path(), "b.dsc.resource.json", "Other/Panel");
        let lack = find(&configured, &[])["panel"].lack.clone().unwrap();
        assert!(lack.contains("`Acme/Panel` and `Other/Panel` are both called `panel`"), "{lack}");
        configured.names = vec![("other".to_owned(), "Other/Panel".to_owned())];
        assert!(find(&configured, &[]).values().all(|found| found.lack.is_none()));
    }

    #[test]
    fn what_others_may_write_to_is_not_run() {
        let (folder, configured) = folders();
        let path = put(folder.path(), "a.dsc.resource.json", "Acme/Panel");
        assert_eq!(find(&configured, &[])["panel"].lack, None);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let lack = find(&configured, &[])["panel"].lack.clone().unwrap();
        assert!(lack.contains("others may write to") && lack.contains("a.dsc.resource.json"), "{lack}");
    }
}
