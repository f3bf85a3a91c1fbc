//! What the ledger promises.

use std::fs;

use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    file::{decode, encode},
    *,
};

fn map(value: Value) -> Map {
    let Value::Object(map) = value else { panic!("an object") };
    map
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn held(ledger: &Ledger) -> Arc<Accepted> {
    Arc::clone(&ledger.accepted().borrow())
}

#[tokio::test]
async fn what_was_accepted_is_there_after_a_restart() {
    let folder = folder();
    let ledger = Ledger::open(folder.path(), "d1").unwrap();
    ledger.accept_whole(map(json!({"time": {"timeZone": "UTC"}})), 3).await.unwrap();
    let patch = map(json!({"time": {"ntp": {"servers": []}}}));
    assert_eq!(ledger.accept_patch(&patch, 4).await.unwrap(), Fence::Taken);

    let again = Ledger::open(folder.path(), "d1").unwrap();
    assert_eq!(held(&again), held(&ledger));
    assert_eq!(held(&again).desired, map(json!({"time": {"timeZone": "UTC", "ntp": {"servers": []}}})));
}

#[tokio::test]
async fn an_older_patch_never_wins_and_a_gap_is_told() {
    let folder = folder();
    let ledger = Ledger::open(folder.path(), "d1").unwrap();
    ledger.accept_whole(map(json!({"a": 1})), 5).await.unwrap();
    let patch = map(json!({"a": 2}));
    assert_eq!(ledger.accept_patch(&patch, 5).await.unwrap(), Fence::Old);
    assert_eq!(ledger.accept_patch(&patch, 4).await.unwrap(), Fence::Old);
    assert_eq!(ledger.accept_patch(&patch, 7).await.unwrap(), Fence::Gap);
    assert_eq!(held(&ledger).desired, map(json!({"a": 1})));
}

#[tokio::test]
async fn a_whole_twin_of_a_lower_version_is_a_new_twin() {
    let folder = folder();
    let ledger = Ledger::open(folder.path(), "d1").unwrap();
    ledger.accept_whole(map(json!({"a": 1})), 5).await.unwrap();
    let mut notes = Notes::default();
    notes.set_applied("a", "", 5);
    ledger.note(&notes, &held(&ledger)).await.unwrap();
    ledger.accept_whole(map(json!({"a": 1})), 1).await.unwrap();
    assert_eq!(held(&ledger).version, 1);
    assert_eq!(ledger.notes().await.applied("a", ""), None);
}

#[tokio::test]
async fn a_patch_touches_what_it_names_and_a_whole_twin_everything() {
    let folder = folder();
    let ledger = Ledger::open(folder.path(), "d1").unwrap();
    ledger.accept_whole(map(json!({"c": {"__t": "c", "x": 1, "y": 1}})), 2).await.unwrap();
    ledger.accept_patch(&map(json!({"c": {"x": 1}})), 3).await.unwrap();
    assert_eq!((held(&ledger).touched("c", "x"), held(&ledger).touched("c", "y")), (3, 2));
    ledger.accept_whole(held(&ledger).desired.clone(), 9).await.unwrap();
    assert_eq!((held(&ledger).touched("c", "x"), held(&ledger).touched("c", "y")), (9, 9));
}

#[tokio::test]
async fn a_property_that_kept_its_value_stays_applied_after_missed_versions() {
    let folder = folder();
    let ledger = Ledger::open(folder.path(), "d1").unwrap();
    ledger.accept_whole(map(json!({"c": {"x": 1, "y": 1}})), 2).await.unwrap();
    let mut notes = Notes::default();
    notes.set_applied("c", "x", 2);
    notes.set_applied("c", "y", 2);
    ledger.note(&notes, &held(&ledger)).await.unwrap();
    ledger.accept_whole(map(json!({"c": {"x": 1, "y": 2}})), 6).await.unwrap();
    let notes = ledger.notes().await;
    assert_eq!((notes.applied("c", "x"), notes.applied("c", "y")), (Some(6), None));
}

#[tokio::test]
async fn a_ledger_cut_anywhere_is_refused_and_kept_aside() {
    let folder = folder();
    let ledger = Ledger::open(folder.path(), "d1").unwrap();
    ledger.accept_whole(map(json!({"time": {"timeZone": "Europe/Oslo"}})), 3).await.unwrap();
    let path = folder.path().join("ledger.json");
    let whole = fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let opened = Ledger::open(folder.path(), "d1").unwrap();
        assert_eq!(*held(&opened), Accepted::default(), "cut at {cut}");
        assert_eq!(fs::read(folder.path().join("ledger.json.refused")).unwrap(), &whole[..cut]);
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(held(&Ledger::open(folder.path(), "d1").unwrap()).version, 3);
}

#[tokio::test]
async fn a_crash_while_writing_leaves_the_old_ledger() {
    let folder = folder();
    let ledger = Ledger::open(folder.path(), "d1").unwrap();
    ledger.accept_whole(map(json!({"a": 1})), 3).await.unwrap();
    let next = encode(&Book::new("d1")).unwrap();
    for cut in 0..next.len() {
        fs::write(folder.path().join("ledger.json.next"), &next[..cut]).unwrap();
        assert_eq!(held(&Ledger::open(folder.path(), "d1").unwrap()).version, 3, "cut at {cut}");
    }
}

#[tokio::test]
async fn the_ledger_of_another_device_is_refused() {
    let folder = folder();
    let ledger = Ledger::open(folder.path(), "d1").unwrap();
    ledger.accept_whole(map(json!({"a": 1})), 3).await.unwrap();
    assert_eq!(held(&Ledger::open(folder.path(), "d2").unwrap()).version, 0);
}

#[cfg(unix)]
#[tokio::test]
async fn what_cannot_be_written_does_not_count() {
    let folder = folder();
    let ledger = Ledger::open(folder.path(), "d1").unwrap();
    fs::create_dir(folder.path().join("ledger.json.next")).unwrap();
    assert!(matches!(ledger.accept_whole(map(json!({"a": 1})), 3).await, Err(LedgerError::Write { .. })));
    assert_eq!(held(&ledger).version, 0);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(decode(&bytes, "d1").is_err());
    }

    #[test]
    fn a_changed_byte_is_noticed(at in 0_usize..1000, by in 1_u8..=255) {
        let mut bytes = encode(&Book::new("d1")).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= by;
        prop_assert!(decode(&bytes, "d1").is_err());
    }
}

#[cfg(unix)]
#[test]
fn a_new_state_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let state = folder.path().join("state");
    Ledger::open(&state, "d1").unwrap();
    assert_eq!(fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn what_was_applied_of_older_properties_says_nothing_of_newer_ones() {
    let folder = folder();
    let ledger = Ledger::open(folder.path(), "d1").unwrap();
    ledger.accept_whole(map(json!({"c": {"x": 1}})), 9).await.unwrap();
    let worked_on = held(&ledger);
    // Made anew in the hub while the reconciler was at work.
    ledger.accept_whole(map(json!({"c": {"x": 2}})), 3).await.unwrap();
    let mut notes = Notes::default();
    notes.set_applied("c", "x", 9);
    let before = Before { place: "x".to_owned(), value: Some(json!(0)), leave: false };
    notes.before.entry("c".to_owned()).or_default().insert("x".to_owned(), before);
    ledger.note(&notes, &worked_on).await.unwrap();
    let kept = ledger.notes().await;
    assert_eq!((kept.applied("c", "x"), kept.before), (None, notes.before));
}

#[tokio::test]
async fn a_device_that_moves_to_another_hub_still_knows_what_it_was() {
    let folder = folder();
    let ledger = Ledger::open(folder.path(), "one.example/d1").unwrap();
    ledger.accept_whole(map(json!({"c": {"x": 1}})), 9).await.unwrap();
    let mut notes = Notes::default();
    notes.set_applied("c", "x", 9);
    notes.set_before("c", "x", Before { place: "x".to_owned(), value: Some(json!(0)), leave: false });
    ledger.note(&notes, &held(&ledger)).await.unwrap();
    let moved = Ledger::open(folder.path(), "two.example/d1").unwrap();
    assert_eq!((held(&moved).version, moved.notes().await.before), (0, notes.before));
    assert_eq!(moved.notes().await.applied("c", "x"), None);
    let other = Ledger::open(folder.path(), "two.example/d2").unwrap();
    assert!(other.notes().await.before.is_empty());
}

#[tokio::test]
async fn power_that_goes_at_any_byte_of_any_write_leaves_the_book_before_or_after_it() {
    let mut books = vec![Book::new("d1").with_whole(map(json!({"c": {"x": 1, "y": 1}})), 1).unwrap()];
    books.push(books[0].with_patch(&map(json!({"c": {"x": 2}})), 2));
    let mut noted = books[1].clone();
    let risked = Risked {
        component: "c".to_owned(),
        property: "x".to_owned(),
        place: "x".to_owned(),
        version: 2,
        held: Some(json!({"file": "old"})),
        before: None,
    };
    noted.notes.checkpoint = Some(Checkpoint { reached: true, seconds: 300, risked: vec![risked] });
    noted.notes.set_before("c", "x", Before { place: "x".to_owned(), value: None, leave: false });
    books.push(noted.clone());
    noted.notes.checkpoint = None;
    books.push(noted);
    for pair in books.windows(2) {
        let (old, new) = (encode(&pair[0]).unwrap(), encode(&pair[1]).unwrap());
        for cut in 0..=new.len() {
            // The write of the next file is cut; it has not taken the place of the old one.
            let folder = folder();
            fs::write(folder.path().join("ledger.json"), &old).unwrap();
            fs::write(folder.path().join("ledger.json.next"), &new[..cut]).unwrap();
            let found = Ledger::open(folder.path(), "d1").unwrap();
            assert_eq!((&*held(&found), found.notes().await), (&*pair[0].accepted, pair[0].notes.clone()), "at {cut}");
            // And what comes next is written whole over what is left of it.
            found.accept_whole(map(json!({"z": 1})), 7).await.unwrap();
            assert_eq!(held(&Ledger::open(folder.path(), "d1").unwrap()).version, 7, "at {cut}");
        }
        assert_eq!(decode(&new, "d1").as_ref(), Ok(&pair[1]));
    }
}

#[test]
fn healed_values_are_merged_and_bounded() {
    let mut notes = Notes::default();
    for at in 0..20 {
        notes.set_healed(format!("c.{}", at % 10), "now");
    }
    assert_eq!((notes.healed.len(), notes.healed[7].path.as_str()), (8, "c.9"));
    notes.set_healed("c.9".to_owned(), "later");
    assert_eq!((notes.healed[7].count, notes.healed[7].at.as_str()), (2, "later"));
}

#[test]
fn what_happened_offline_is_merged_bounded_and_kept_until_the_next_time() {
    let mut notes = Notes::default();
    for at in 0..40 {
        notes.set_offline(format!("c.{}", at % 20), What::Failed, "now");
    }
    let Offline { events, .. } = &notes.offline;
    assert_eq!((events.len(), events[15].path.as_str(), events[15].count), (16, "c.19", 1));
    notes.set_offline("c.19".to_owned(), What::Failed, "later");
    assert_eq!((notes.offline.events[15].count, notes.offline.events[15].at.as_str()), (2, "later"));
    notes.set_offline("c.19".to_owned(), What::Applied, "later");
    assert_eq!(notes.offline.events.len(), 16, "another thing that happened");
    notes.offline.told = true;
    notes.set_offline("c.1".to_owned(), What::Healed, "days later");
    assert_eq!(notes.offline.events.len(), 1);
}
