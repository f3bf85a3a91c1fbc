//! Backups of stores that are written to, and what may be put back where.

use std::{fs, path::PathBuf, sync::Arc};

use super::*;
use crate::{
    hub::{
        ports::LinkId,
        record::Record,
        store::{Change, DirectoryLock, Outcome, SqliteStore, Store as _},
    },
    iothub::DeviceIdentity,
    twin::DeviceId,
};

fn link(id: &str) -> LinkId {
    LinkId { device: DeviceId::new(id).unwrap(), module: None }
}

async fn insert(store: &SqliteStore, id: &str) {
    let identity = DeviceIdentity { device_id: id.to_owned(), ..DeviceIdentity::default() };
    let record = Record::fresh(link(id), &identity, 7, "2026-01-01T00:00:00Z").unwrap();
    assert_eq!(store.write(vec![Change::Insert(Arc::new(record))]).await.unwrap(), Outcome::Written);
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(place.at("state")).unwrap();
        fs::write(place.at("state").join("ca.key"), "key").unwrap();
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self, name: &str) -> SqliteStore {
        SqliteStore::open(&self.at(name)).unwrap()
    }

    fn make(&self) -> Result<Summary, BackupError> {
        make(&self.at("state"), &self.at("backup"))
    }

    fn restore(&self, state: &str, force: bool) -> Result<Summary, BackupError> {
        restore(&self.at("backup"), &self.at(state), force)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_writing_has_everything_that_was_acknowledged_before() {
    let place = Place::new();
    let store = Arc::new(place.open("state"));
    for n in 0..300 {
        insert(&store, &format!("before-{n}")).await;
    }
    let stop = crate::task::Stop::new();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (store, stop) = (Arc::clone(&store), stop.clone());
            tokio::spawn(async move {
                let mut written = 0;
                while !stop.is_requested() {
                    insert(&store, &format!("during-{writer}-{written}")).await;
                    written += 1;
                }
                written
            })
        })
        .collect();
    let (state, backup) = (place.at("state"), place.at("backup"));
    let summary = tokio::task::spawn_blocking(move || make(&state, &backup)).await.unwrap().unwrap();
    stop.request();
    let mut during = 0;
    for writer in writers {
        during += writer.await.unwrap();
    }
    assert!(summary.devices >= 300 && summary.devices <= 300 + during, "{summary:?} of {during}");
    let restored = place.restore("new", false).unwrap();
    assert_eq!(restored, summary);
    assert_eq!(fs::read_to_string(place.at("new").join("ca.key")).unwrap(), "key");
    let store = place.open("new");
    for n in 0..300 {
        assert!(store.get(&link(&format!("before-{n}"))).await.unwrap().is_some(), "{n}");
    }
    assert_eq!(store.counts().await.unwrap().enabled, summary.devices);
}

#[tokio::test]
async fn a_folder_in_use_or_with_a_hub_in_it_is_left_alone() {
    let place = Place::new();
    insert(&place.open("state"), "old").await;
    place.make().unwrap();
    assert!(matches!(place.make(), Err(BackupError::Exists(_))));
    insert(&place.open("state"), "new").await;
    assert!(matches!(place.restore("state", false), Err(BackupError::NotEmpty(_))));
    let lock = DirectoryLock::take(&place.at("state")).unwrap();
    assert!(matches!(place.restore("state", true), Err(BackupError::InUse(_))));
    drop(lock);
    assert!(place.open("state").get(&link("new")).await.unwrap().is_some());
    let restored = place.restore("state", true).unwrap();
    let store = place.open("state");
    assert!(store.get(&link("new")).await.unwrap().is_none() && store.get(&link("old")).await.unwrap().is_some());
    let before = SqliteStore::open(&restored.moved.unwrap()).unwrap();
    assert!(before.get(&link("new")).await.unwrap().is_some(), "what was there is kept");
}

#[tokio::test]
async fn the_log_of_another_database_is_not_played_into_a_restored_one() {
    let place = Place::new();
    insert(&place.open("state"), "old").await;
    place.make().unwrap();
    // As a killed hub leaves it: a database whose last writes are in its log alone.
    let store = place.open("state");
    insert(&store, "late").await;
    fs::create_dir(place.at("killed")).unwrap();
    for name in ["hub.db-wal", "hub.db-shm", "hub.db"] {
        fs::copy(place.at("state").join(name), place.at("killed").join(name)).unwrap();
    }
    place.restore("killed", true).unwrap();
    let killed = place.open("killed");
    assert!(killed.get(&link("late")).await.unwrap().is_none() && killed.get(&link("old")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_damaged_or_newer_backup_changes_nothing() {
    let place = Place::new();
    insert(&place.open("state"), "d1").await;
    place.make().unwrap();
    let database = place.at("backup").join("hub.db");
    let whole = fs::read(&database).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    fs::write(&database, flipped).unwrap();
    assert!(matches!(place.restore("new", false), Err(BackupError::Damaged { .. })));
    fs::remove_file(&database).unwrap();
    assert!(place.restore("new", false).is_err());
    fs::write(&database, whole).unwrap();
    let manifest = place.at("backup").join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replacen("\"format\": 1", "\"format\": 2", 1)).unwrap();
    assert!(matches!(place.restore("new", false), Err(BackupError::TooNew { found: 2, known: 1 })));
    fs::write(&manifest, "{").unwrap();
    assert!(matches!(place.restore("new", false), Err(BackupError::Damaged { .. })));
    let left: Vec<_> = fs::read_dir(place.at("new")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"], "nothing of it");
    fs::write(&manifest, text).unwrap();
    assert_eq!(place.restore("new", false).unwrap().devices, 1);
}

#[test]
fn a_folder_without_a_store_has_no_backup_and_leaves_none() {
    let place = Place::new();
    assert!(matches!(place.make(), Err(BackupError::NoStore(_))));
    fs::write(place.at("state").join("hub.db"), "this is no database, however long it may be").unwrap();
    assert!(matches!(place.make(), Err(BackupError::Store(_))));
    let left: Vec<_> = fs::read_dir(place.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["state"]);
}

#[cfg(unix)]
#[test]
fn a_backup_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    drop(place.open("state"));
    place.make().unwrap();
    place.restore("new", false).unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o077;
    assert_eq!((mode(place.at("backup")), mode(place.at("new"))), (0, 0));
    for name in ["hub.db", "ca.key", "manifest.json"] {
        assert_eq!(mode(place.at("backup").join(name)), 0, "{name}");
    }
}
