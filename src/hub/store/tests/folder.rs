//! What goes for the store in a folder alone.

use super::{super::lock::LockError, *};

#[tokio::test]
async fn what_was_written_is_there_after_closing() {
    let (folder, store) = store();
    let mut one = record("d1");
    one.tags = Some(r#"{"site":"oslo"}"#.into());
    one.configurations = Some(r#"{"fw":{"status":"Applied"}}"#.into());
    assert_eq!(store.write(insert(&one)).await.unwrap(), Outcome::Written);
    let subscriptions = Change::Subscriptions { link: link("d1"), subscriptions: 9 };
    assert_eq!(store.write(vec![subscriptions]).await.unwrap(), Outcome::Written);
    store.note(Change::Seen { link: link("d1"), last_activity: "a".into(), state_changed: "b".into(), live: false });
    drop(store);
    one.session = Session {
        subscriptions: 9,
        last_activity: Some("a".into()),
        state_changed: Some("b".into()),
        ..Session::default()
    };
    let store = SqliteStore::open(folder.path()).unwrap();
    assert_eq!(store.get(&link("d1")).await.unwrap(), Some(one));
    assert_eq!(store.get(&link("d2")).await.unwrap(), None);
}

#[tokio::test]
async fn settings_can_be_read_beside_a_running_hub() {
    let (folder, store) = store();
    let change = Change::Setting { name: "a".to_owned(), value: "1".to_owned() };
    assert_eq!(store.write(vec![change]).await.unwrap(), Outcome::Written);
    assert_eq!(store.setting("a").await.unwrap().as_deref(), Some("1"));
    assert_eq!(settings_of(folder.path(), &["a", "b"]).unwrap(), Some(vec![Some("1".to_owned()), None]));
    assert_eq!(settings_of(&folder.path().join("none"), &["a"]).unwrap(), None);
}

#[test]
fn a_folder_serves_one_hub() {
    let folder = tempfile::tempdir().unwrap();
    let first = DirectoryLock::take(folder.path()).unwrap();
    assert!(matches!(DirectoryLock::take(folder.path()), Err(LockError::Taken(_))));
    drop(first);
    assert!(DirectoryLock::take(folder.path()).is_ok());
}

#[tokio::test]
async fn a_store_of_a_newer_program_is_refused_untouched() {
    let (folder, store) = store();
    drop(store);
    sqlite::set_format_for_test(folder.path(), 99);
    let refused = SqliteStore::open(folder.path()).unwrap_err();
    assert!(matches!(refused, StoreError::TooNew { found: 99, .. }), "{refused}");
}

#[cfg(unix)]
#[test]
fn the_store_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let _store = SqliteStore::open(folder.path()).unwrap();
    for file in ["hub.db", "hub.db-wal"] {
        let mode = std::fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file}");
    }
}

/// Where the process of the next test writes; only that process has it.
const VICTIM: &str = "TWINOPS_TEST_STORE";

/// Writes as fast as it can and says on stdout what was acknowledged, until it is killed. Without [`VICTIM`] there is
/// nothing to do.
#[test]
fn victim() {
    use std::io::Write as _;
    let Ok(folder) = std::env::var(VICTIM) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = Arc::new(SqliteStore::open(folder.as_ref()).unwrap());
    let writers = (0..8).map(|writer| {
        let store = Arc::clone(&store);
        runtime.spawn(async move {
            for n in 0.. {
                let id = format!("{writer}-{n}");
                assert_eq!(store.write(insert(&record(&id))).await.unwrap(), Outcome::Written);
                writeln!(std::io::stdout().lock(), "acknowledged {id}").unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        runtime.block_on(writer).unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_killed_process() {
    use std::{
        io::{BufRead as _, BufReader},
        process::{Command, Stdio},
    };
    let folder = tempfile::tempdir().unwrap();
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hub::store::tests::folder::victim", "--nocapture"])
        .env(VICTIM, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let (mut acknowledged, mut killed) = (Vec::new(), false);
    for line in lines {
        // The last line may be cut in half.
        let Ok(line) = line else { break };
        acknowledged.extend(line.split_once("acknowledged ").map(|(_, id)| id.to_owned()));
        if acknowledged.len() >= 500 && !killed {
            victim.kill().unwrap();
            killed = true;
        }
    }
    victim.wait().unwrap();
    acknowledged.pop();
    assert!(killed && acknowledged.len() >= 499);
    let store = SqliteStore::open(folder.path()).unwrap();
    for id in acknowledged {
        assert!(store.get(&link(&id)).await.unwrap().is_some(), "{id}");
    }
}

#[tokio::test]
async fn a_store_of_the_first_format_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let old = r#"INSERT INTO setting VALUES('old', 'kept');
        INSERT INTO record VALUES(1, 'd1', '', 7, 1, '{}', '', 1, 2, '{"site":"oslo"}', '{}', '{}', 1, '{}', '{}', 1);"#;
    sqlite_schema::make_format_for_test(&folder.path().join("hub.db"), 1, old);
    let store = SqliteStore::open(folder.path()).unwrap();
    assert_eq!(store.setting("old").await.unwrap().as_deref(), Some("kept"));
    assert_eq!(found_by(&store, "tags.site = 'oslo'").await, ["d1"], "its tags are in the index");
    let new = Document { kind: Kind::Job, id: "j".into(), revision: 0, body: "{}".into() };
    assert_eq!(store.write(vec![Change::Document(Arc::new(new))]).await.unwrap(), Outcome::Written);
}

#[tokio::test]
async fn messages_that_wait_in_a_store_of_an_earlier_format_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let queue = r#"{"entries":[{"sequence":1,"expires":9},{"sequence":2,"expires":8}]}"#;
    let old = format!(
        "INSERT INTO record VALUES(1, 'd1', '', 7, 1, '{{}}', '', 1, 2, NULL, '{{}}', '{{}}', 1, '{{}}', '{{}}', 1, NULL);
         INSERT INTO session(device_id, module_id, subscriptions) VALUES('d1', '', 9);
         INSERT INTO document VALUES('queue', '/', 1, '{queue}'), ('queue', 'd1/', 1, '{queue}');"
    );
    sqlite_schema::make_format_for_test(&folder.path().join("hub.db"), 3, &old);
    let store = SqliteStore::open(folder.path()).unwrap();
    let session = store.get(&link("d1")).await.unwrap().unwrap().session;
    assert_eq!((session.subscriptions, session.waiting), (9, Waiting::from_iter([9, 8])));
}
