//! The schemas that are checked in are those that the types make.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use twinops::cli;

fn read(folder: &Path, root: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            read(&entry.path(), root, files);
        } else {
            let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            files.insert(path, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

#[test]
fn the_schemas_are_fresh() {
    let root: PathBuf = [env!("CARGO_MANIFEST_DIR"), "schemas"].iter().collect();
    let mut there = BTreeMap::new();
    read(&root, &root, &mut there);
    let made = cli::schema_files();
    let stale: Vec<&String> =
        made.iter().filter(|(path, text)| there.get(*path) != Some(text)).map(|(p, _)| p).collect();
    let left: Vec<&String> = there.keys().filter(|path| !made.contains_key(*path)).collect();
    assert!(
        stale.is_empty() && left.is_empty(),
        "stale: {stale:?}, no longer made: {left:?}; run `cargo run -- schema --write schemas` and remove the latter"
    );
}

#[test]
fn the_page_of_components_names_every_one() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/components.md")).unwrap();
    let files = cli::schema_files();
    let names = files.keys().filter_map(|path| path.strip_prefix("components/")?.strip_suffix(".schema.json"));
    let missing: Vec<_> = names.filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/components.md does not name {missing:?}");
}
