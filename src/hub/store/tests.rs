//! What the core may rely on.

#[path = "../../../tests/postgres/mod.rs"]
pub(in crate::hub) mod server;

mod folder;

use std::sync::Arc;

use futures_util::future::join_all;

use super::{super::record::Session, *};
use crate::{iothub::DeviceIdentity, query::Condition, twin::DeviceId};

pub(super) fn link(id: &str) -> LinkId {
    LinkId { device: DeviceId::new(id).unwrap(), module: None }
}

pub(super) fn record(id: &str) -> Record {
    let identity = DeviceIdentity { device_id: id.to_owned(), ..DeviceIdentity::default() };
    Record::fresh(link(id), &identity, 7, "2026-01-01T00:00:00Z").unwrap()
}

fn insert(record: &Record) -> Vec<Change> {
    vec![Change::Insert(Arc::new(record.clone()))]
}

fn update(record: &Record) -> Vec<Change> {
    vec![Change::Update(Arc::new(record.clone()))]
}

pub(super) fn store() -> (tempfile::TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    (folder, store)
}

/// A server for the tests of one function, and a way to open the store on it.
pub(in crate::hub) fn postgres() -> Option<server::Postgres> {
    server::Postgres::start()
}

pub(in crate::hub) async fn shared(server: &server::Postgres) -> PostgresStore {
    PostgresStore::open(Address::parse(&server.url()).unwrap()).await.unwrap()
}

/// What every store keeps to, as a test of its own for each store.
macro_rules! laws {
    ($($law:ident)*) => {
        mod embedded {
            $(#[tokio::test]
            async fn $law() {
                let (_folder, store) = super::store();
                super::$law(store).await;
            })*
        }

        mod on_postgres {
            /// On one server, whose store is emptied in between, because starting one takes longer than the laws.
            #[tokio::test(flavor = "multi_thread")]
            async fn every_law_holds() {
                let Some(server) = super::postgres() else { return };
                $(
                    super::empty(&server).await;
                    super::$law(super::shared(&server).await).await;
                )*
            }
        }
    };
}

laws! {
    only_one_of_two_writers_of_one_revision_wins
    a_batch_is_whole_or_not_at_all
    a_session_of_nobody_is_not_kept
    a_device_s_waiting_messages_are_kept_beside_its_record
    a_scan_goes_in_order_and_takes_up_where_it_ended
    tags_are_found_as_they_are_now
    devices_are_counted_by_status
    modules_are_scanned_by_device_and_then_by_name
    modules_of_a_device_are_found_among_its_own
    documents_are_written_by_revision_and_found_by_prefix
    records_and_documents_are_written_together
    texts_come_back_as_they_went_in
    notes_of_one_device_are_written_in_order
    a_device_that_was_heard_of_without_a_link_stands_as_before
    whoever_asks_together_is_answered_as_if_alone
}

/// Takes away all tables.
async fn empty(server: &server::Postgres) {
    let (client, connection) = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await.unwrap();
}

async fn only_one_of_two_writers_of_one_revision_wins<S: Store>(store: S) {
    let one = record("d1");
    assert_eq!(store.write(insert(&one)).await.unwrap(), Outcome::Written);
    assert_eq!(store.write(insert(&one)).await.unwrap(), Outcome::Conflict);
    let (a, b) = tokio::join!(store.write(update(&one)), store.write(update(&one)));
    assert!(matches!(
        (a.unwrap(), b.unwrap()),
        (Outcome::Written, Outcome::Conflict) | (Outcome::Conflict, Outcome::Written)
    ));
    assert_eq!(store.get(&link("d1")).await.unwrap().unwrap().revision, 8);
    let delete = |revision| vec![Change::Delete { link: link("d1"), revision }];
    assert_eq!(store.write(delete(7)).await.unwrap(), Outcome::Conflict);
    assert_eq!(store.write(delete(8)).await.unwrap(), Outcome::Written);
    assert_eq!(store.get(&link("d1")).await.unwrap(), None);
}

async fn a_batch_is_whole_or_not_at_all<S: Store>(store: S) {
    assert_eq!(store.write(insert(&record("d2"))).await.unwrap(), Outcome::Written);
    let batch = [insert(&record("d1")), insert(&record("d2"))].concat();
    assert_eq!(store.write(batch).await.unwrap(), Outcome::Conflict);
    assert_eq!(store.get(&link("d1")).await.unwrap(), None);
}

async fn a_session_of_nobody_is_not_kept<S: Store>(store: S) {
    let change = Change::Subscriptions { link: link("d1"), subscriptions: 9 };
    assert_eq!(store.write(vec![change]).await.unwrap(), Outcome::Written);
    assert_eq!(store.write(insert(&record("d1"))).await.unwrap(), Outcome::Written);
    assert_eq!(store.get(&link("d1")).await.unwrap().unwrap().session, Session::default());
}

async fn a_device_s_waiting_messages_are_kept_beside_its_record<S: Store>(store: S) {
    let wait = |ends: &[i64]| Change::Waiting { link: link("d1"), waiting: ends.iter().copied().collect() };
    let kept = async || store.get(&link("d1")).await.unwrap().unwrap().session.waiting;
    assert_eq!(store.write(vec![wait(&[7])]).await.unwrap(), Outcome::Written);
    assert_eq!(store.write(insert(&record("d1"))).await.unwrap(), Outcome::Written);
    assert_eq!(kept().await, Waiting::default());
    let seen = Change::Seen { link: link("d1"), last_activity: "a".into(), state_changed: "b".into(), live: false };
    assert_eq!(store.write(vec![wait(&[9, 8]), seen]).await.unwrap(), Outcome::Written);
    assert_eq!(kept().await, Waiting::from_iter([9, 8]));
    let scanned = store.scan(Span::Devices, None, &Sieve::Anything, 9).await.unwrap();
    assert_eq!(scanned.records[0].session.waiting, Waiting::from_iter([9, 8]));
    assert_eq!(store.write(vec![wait(&[])]).await.unwrap(), Outcome::Written);
    assert_eq!(kept().await, Waiting::default());
}

async fn a_scan_goes_in_order_and_takes_up_where_it_ended<S: Store>(store: S) {
    for id in ["b", "a", "B", "c"] {
        let mut one = record(id);
        one.tags = Some(if id == "c" { r#"{"a\"b":"x"}"# } else { r#"{"site":{"na-me":"oslo"}}"# }.into());
        assert_eq!(store.write(insert(&one)).await.unwrap(), Outcome::Written);
    }
    let ids = async |after: Option<&str>, sieve: Sieve, limit| -> Vec<String> {
        let after = after.map(link);
        let found = store.scan(Span::Devices, after.as_ref(), &sieve, limit).await.unwrap();
        assert_eq!(found.next, found.records.get(limit - 1).map(|last| last.link.clone()));
        found.records.into_iter().map(|record| record.link.to_string()).collect()
    };
    assert_eq!(ids(None, Sieve::Anything, 3).await, ["B", "a", "b"]);
    assert_eq!(ids(Some("b"), Sieve::Anything, 3).await, ["c"]);
    let such = |text: &str| Condition::parse(text).unwrap().sieve();
    let tag = "tags.site.[[na-me]] IN ['oslo', 'x']";
    assert_eq!(ids(None, such(tag), 9).await, ["B", "a", "b"]);
    assert_eq!(ids(Some("B"), such(tag), 1).await, ["a"]);
    assert_eq!(ids(None, such(&format!("deviceId IN ['b', 'c', 'z'] AND {tag}")), 9).await, ["b"]);
    assert_eq!(ids(None, such("tags.[[a\"b]] = 'x'"), 9).await, ["c"]);
}

async fn devices_are_counted_by_status<S: Store>(store: S) {
    let disabled = Record { enabled: false, ..record("d3") };
    for one in [record("d1"), record("d2"), disabled] {
        assert_eq!(store.write(insert(&one)).await.unwrap(), Outcome::Written);
    }
    assert_eq!(store.counts().await.unwrap(), Counts { enabled: 2, disabled: 1 });
}

async fn modules_are_scanned_by_device_and_then_by_name<S: Store>(store: S) {
    let module = |device, module: &str| LinkId { module: Some(module.into()), ..link(device) };
    for at in [link("a"), module("b", "x"), module("a", "z"), module("a", "y"), link("b")] {
        let one = Record { link: at, ..record("a") };
        assert_eq!(store.write(insert(&one)).await.unwrap(), Outcome::Written);
    }
    let ids = async |span: Span<'_>, after: Option<LinkId>, limit| -> Vec<String> {
        let found = store.scan(span, after.as_ref(), &Sieve::Anything, limit).await.unwrap();
        found.records.into_iter().map(|record| record.link.to_string()).collect()
    };
    assert_eq!(ids(Span::Devices, None, 9).await, ["a", "b"]);
    assert_eq!(ids(Span::Modules, None, 2).await, ["a/y", "a/z"]);
    assert_eq!(ids(Span::Modules, Some(module("a", "z")), 9).await, ["b/x"]);
    assert_eq!(ids(Span::ModulesOf(&link("a").device), Some(module("a", "y")), 9).await, ["a/z"]);
}

async fn modules_of_a_device_are_found_among_its_own<S: Store>(store: S) {
    for device in ["a", "b"] {
        let tags = Some(r#"{"site":"oslo"}"#.into());
        let one = Record { link: LinkId { module: Some("m".into()), ..link(device) }, tags, ..record(device) };
        assert_eq!(store.write(insert(&one)).await.unwrap(), Outcome::Written);
    }
    for condition in ["tags.site = 'oslo'", "STARTSWITH(tags.site, 'o')", "deviceId IN ['a', 'b']"] {
        let sieve = Condition::parse(condition).unwrap().sieve();
        let found = store.scan(Span::ModulesOf(&link("a").device), None, &sieve, 9).await.unwrap();
        let links: Vec<String> = found.records.iter().map(|record| record.link.to_string()).collect();
        assert_eq!(links, ["a/m"], "{condition}");
    }
}

async fn documents_are_written_by_revision_and_found_by_prefix<S: Store>(store: S) {
    let document = |id: &str, revision| Document { kind: Kind::Job, id: id.into(), revision, body: "{}".into() };
    let put = async |id, revision| store.write(vec![Change::Document(Arc::new(document(id, revision)))]).await.unwrap();
    for id in ["b/1", "a/2", "a/1", "c"] {
        assert_eq!(put(id, 0).await, Outcome::Written);
    }
    assert_eq!([put("a/1", 0).await, put("a/1", 2).await, put("none", 1).await], [Outcome::Conflict; 3]);
    assert_eq!(put("a/1", 1).await, Outcome::Written);
    assert_eq!(store.document(Kind::Job, "a/1").await.unwrap(), Some(document("a/1", 2)));
    assert_eq!(store.document(Kind::JobPart, "a/1").await.unwrap(), None);
    let ids = async |prefix, after, limit| -> Vec<String> {
        let found = store.documents(Kind::Job, prefix, after, limit).await.unwrap();
        found.into_iter().map(|document| document.id.into()).collect()
    };
    assert_eq!(ids("a/", None, 9).await, ["a/1", "a/2"]);
    assert_eq!(ids("a/", Some("a/1"), 9).await, ["a/2"]);
    assert_eq!(ids("", Some("a/2"), 1).await, ["b/1"]);
    let delete = |revision| vec![Change::DeleteDocument { kind: Kind::Job, id: "c".into(), revision }];
    assert_eq!(store.write(delete(2)).await.unwrap(), Outcome::Conflict);
    assert_eq!(store.write(delete(1)).await.unwrap(), Outcome::Written);
    let all = Change::DeleteDocuments { kind: Kind::Job, prefix: "a/".into() };
    assert_eq!(store.write(vec![all]).await.unwrap(), Outcome::Written);
    assert_eq!(ids("", None, 9).await, ["b/1"]);
}

/// The devices that a condition finds.
async fn found_by<S: Store>(store: &S, condition: &str) -> Vec<String> {
    let sieve = Condition::parse(condition).unwrap().sieve();
    let found = store.scan(Span::Devices, None, &sieve, 9).await.unwrap();
    found.records.into_iter().map(|record| record.link.to_string()).collect()
}

async fn tags_are_found_as_they_are_now<S: Store>(store: S) {
    let with = |tags: &str, revision| Record { tags: Some(tags.into()), revision, ..record("d1") };
    assert_eq!(store.write(insert(&with(r#"{"site":"oslo","n":1}"#, 7))).await.unwrap(), Outcome::Written);
    let is_found = async |condition: &str| !found_by(&store, condition).await.is_empty();
    assert!(is_found("tags.site = 'oslo'").await && is_found("tags.n = 1").await);
    assert_eq!(store.write(update(&with(r#"{"site":"rome","n":1}"#, 6))).await.unwrap(), Outcome::Conflict);
    assert!(is_found("tags.site = 'oslo'").await);
    assert_eq!(store.write(update(&with(r#"{"site":"rome","n":1}"#, 7))).await.unwrap(), Outcome::Written);
    assert!(!is_found("tags.site = 'oslo'").await && is_found("tags.site = 'rome'").await);
    assert!(is_found("tags.n = 1").await);
    let delete = |revision| vec![Change::Delete { link: link("d1"), revision }];
    assert_eq!(store.write(delete(8)).await.unwrap(), Outcome::Written);
    assert_eq!(store.write(insert(&record("d1"))).await.unwrap(), Outcome::Written);
    assert!(!is_found("tags.site = 'rome'").await && !is_found("tags.n = 1").await);
}

async fn records_and_documents_are_written_together<S: Store>(store: S) {
    let document = |id: &str, revision| {
        Change::Document(Arc::new(Document { kind: Kind::Job, id: id.into(), revision, body: "{}".into() }))
    };
    let one = record("d1");
    let both = |changes: Vec<Change>| store.write([insert(&one), changes].concat());
    assert_eq!(both(vec![document("a", 1)]).await.unwrap(), Outcome::Conflict);
    assert_eq!(store.get(&link("d1")).await.unwrap(), None);
    assert_eq!(both(vec![document("a", 0), document("b", 0)]).await.unwrap(), Outcome::Written);
    let next = |revision| [update(&Record { revision, ..one.clone() }), vec![document("a", 1)]].concat();
    assert_eq!(store.write(next(8)).await.unwrap(), Outcome::Conflict);
    assert_eq!(store.document(Kind::Job, "a").await.unwrap().unwrap().revision, 1);
    let (a, b) = tokio::join!(store.write(next(7)), store.write(next(7)));
    assert_ne!(a.unwrap(), b.unwrap());
    assert_eq!(store.document(Kind::Job, "a").await.unwrap().unwrap().revision, 2);
    let end = vec![
        Change::Delete { link: link("d1"), revision: 8 },
        Change::DeleteDocuments { kind: Kind::Job, prefix: Box::default() },
        document("c", 0),
    ];
    assert_eq!(store.write(end).await.unwrap(), Outcome::Written);
    let left = store.documents(Kind::Job, "", None, 9).await.unwrap();
    assert_eq!(left.iter().map(|document| &*document.id).collect::<Vec<_>>(), ["c"]);
}

async fn texts_come_back_as_they_went_in<S: Store>(store: S) {
    let mut one = record("d1");
    let text = r#"{"z":1.0,"a":1,"big":1e16,"nul":"\u0000","not":"\\u0000","é":"\ud83d\ude00","aa":0.1}"#;
    one.tags = Some(text.into());
    one.desired.values = text.into();
    one.reported.values = text.into();
    one.configurations = Some(r#"{"fw":{"status":"Applied"}}"#.into());
    assert_eq!(store.write(insert(&one)).await.unwrap(), Outcome::Written);
    assert_eq!(store.get(&link("d1")).await.unwrap(), Some(one.clone()));
    one.tags = None;
    assert_eq!(store.write(update(&one)).await.unwrap(), Outcome::Written);
    one.revision += 1;
    assert_eq!(store.get(&link("d1")).await.unwrap(), Some(one));
}

async fn notes_of_one_device_are_written_in_order<S: Store>(store: S) {
    let one = record("d1");
    assert_eq!(store.write(insert(&one)).await.unwrap(), Outcome::Written);
    assert_eq!(store.claim(&link("d1"), &one.identity, "T").await.unwrap(), Outcome::Written);
    for n in 0..40 {
        let time: Box<str> = n.to_string().into();
        store.note(Change::Seen { link: link("d1"), last_activity: time.clone(), state_changed: time, live: true });
    }
    let last = Change::Subscriptions { link: link("d1"), subscriptions: 9 };
    assert_eq!(store.write(vec![last]).await.unwrap(), Outcome::Written);
    let session = store.get(&link("d1")).await.unwrap().unwrap().session;
    assert_eq!((session.subscriptions, session.last_activity.as_deref()), (9, Some("39")));
}

async fn a_device_that_was_heard_of_without_a_link_stands_as_before<S: Store>(store: S) {
    let heard = |id: &str, at: &str| Change::Heard { link: link(id), at: at.into() };
    let one = record("d1");
    assert_eq!(store.write(insert(&one)).await.unwrap(), Outcome::Written);
    assert_eq!(store.write(vec![heard("d1", "a"), heard("none", "a")]).await.unwrap(), Outcome::Written);
    let session = store.get(&link("d1")).await.unwrap().unwrap().session;
    assert_eq!(session, Session { last_activity: Some("a".into()), ..Session::default() });
    assert_eq!(store.claim(&link("d1"), &one.identity, "b").await.unwrap(), Outcome::Written);
    let seen = Change::Seen { link: link("d1"), last_activity: "b".into(), state_changed: "b".into(), live: true };
    assert_eq!(store.write(vec![seen]).await.unwrap(), Outcome::Written);
    let before = store.get(&link("d1")).await.unwrap().unwrap().session;
    assert_eq!(store.write(vec![heard("d1", "c")]).await.unwrap(), Outcome::Written);
    let after = store.get(&link("d1")).await.unwrap().unwrap().session;
    assert_eq!(after, Session { last_activity: Some("c".into()), ..before });
}

async fn whoever_asks_together_is_answered_as_if_alone<S: Store>(store: S) {
    for n in 0..5 {
        let body = Document { kind: Kind::Job, id: n.to_string().into(), revision: 0, body: "{}".into() };
        let batch = [insert(&record(&format!("d{n}"))), vec![Change::Document(Arc::new(body))]].concat();
        assert_eq!(store.write(batch).await.unwrap(), Outcome::Written);
    }
    let records = join_all((0..50).map(async |n| (n, store.get(&link(&format!("d{}", n % 7))).await.unwrap())));
    let documents = join_all((0..50).map(async |n: u32| {
        let id = format!("{}", n % 7);
        let found = store.document(if n == 49 { Kind::Queue } else { Kind::Job }, &id).await.unwrap();
        (n, found.map(|document| document.id))
    }));
    let (records, documents) = tokio::join!(records, documents);
    for (n, found) in records {
        let wanted = (n % 7 < 5).then(|| link(&format!("d{}", n % 7)));
        assert_eq!(found.map(|record| record.link), wanted);
    }
    for (n, found) in documents {
        let wanted = (n % 7 < 5 && n != 49).then(|| (n % 7).to_string());
        assert_eq!(found.as_deref(), wanted.as_deref());
    }
}
