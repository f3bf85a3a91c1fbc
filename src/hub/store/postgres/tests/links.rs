//! Who has a link, and what whoever has it not may still say of it.

use super::*;
use crate::hub::{meter::Meter, store::Document};

async fn claim(store: &PostgresStore, one: &Record) {
    assert_eq!(store.claim(&one.link, &one.identity, "T").await.unwrap(), Outcome::Written);
}

async fn subscribe(store: &PostgresStore, id: &str, subscriptions: u32) {
    let change = Change::Subscriptions { link: link(id), subscriptions };
    assert_eq!(store.write(vec![change]).await.unwrap(), Outcome::Written);
}

async fn see(store: &PostgresStore, id: &str, at: &str, live: bool) {
    let seen = Change::Seen { link: link(id), last_activity: at.into(), state_changed: at.into(), live };
    assert_eq!(store.write(vec![seen]).await.unwrap(), Outcome::Written);
}

async fn session(store: &PostgresStore, id: &str) -> (bool, Option<String>, u32) {
    let session = store.get(&link(id)).await.unwrap().unwrap().session;
    (session.connected, session.last_activity.map(String::from), session.subscriptions)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_announced_to_the_hub_that_has_the_link_and_only_if_it_is_there() {
    let Some(server) = postgres() else { return };
    let (a, b) = (shared(&server).await, shared(&server).await);
    let one = make(&a, "d1").await;
    claim(&a, &one).await;
    let send = |revision| {
        let queue = Document { kind: Kind::Queue, id: "d1/".into(), revision, body: "{}".into() };
        vec![Change::Document(Arc::new(queue)), Change::Mail { link: link("d1") }]
    };
    assert_eq!(b.write(send(0)).await.unwrap(), Outcome::Written);
    assert_eq!(letters(&a).await, [Letter::Mail { link: link("d1") }]);
    assert_eq!(b.write(send(0)).await.unwrap(), Outcome::Conflict);
    assert_eq!(a.write(send(1)).await.unwrap(), Outcome::Written, "its own link needs no letter");
    assert_eq!((letters(&a).await, letters(&b).await), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_seen_of_a_link_counts_only_for_whoever_has_it() {
    let Some(server) = postgres() else { return };
    let (a, b) = (shared(&server).await, shared(&server).await);
    for store in [&a, &b] {
        store.heartbeat("test", 0).await.unwrap();
    }
    let one = make(&a, "d1").await;
    // As when its claim did not hold.
    see(&a, "d1", "early", true).await;
    assert_eq!(session(&b, "d1").await, (false, None, 0));
    claim(&a, &one).await;
    see(&b, "d1", "elsewhere", true).await;
    see(&b, "d1", "elsewhere", false).await;
    assert_eq!(session(&b, "d1").await, (true, Some("T".into()), 0));
    see(&a, "d1", "here", true).await;
    assert_eq!(session(&b, "d1").await, (true, Some("here".into()), 0));
    // What is heard besides the link leaves the link alone.
    a.note(Change::Heard { link: link("d1"), at: "besides".into() });
    assert_eq!(b.write(vec![tell("d1", 1)]).await.unwrap(), Outcome::Written);
    assert_eq!(letters(&a).await.len(), 1);
    assert_eq!((session(&b, "d1").await, a.ticket(&link("d1")).is_some()), ((true, Some("besides".into()), 0), true));
    see(&a, "d1", "end", false).await;
    see(&a, "d1", "late", true).await;
    assert_eq!(session(&b, "d1").await, (false, Some("end".into()), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_link_keeps_nothing_once_a_newer_one_is_at_another_hub() {
    let Some(server) = postgres() else { return };
    let (a, b) = (shared(&server).await, shared(&server).await);
    let one = make(&a, "d1").await;
    claim(&a, &one).await;
    subscribe(&a, "d1", 1).await;
    claim(&b, &one).await;
    subscribe(&a, "d1", 2).await;
    assert_eq!(session(&a, "d1").await.2, 1);
    subscribe(&b, "d1", 3).await;
    subscribe(&a, "d1", 2).await;
    see(&b, "d1", "end", false).await;
    subscribe(&a, "d1", 2).await;
    assert_eq!(session(&a, "d1").await.2, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_are_counted_and_one_bad_name_hurts_no_other_reader() {
    let Some(server) = postgres() else { return };
    let meter = Meter::new();
    let address = Address::parse(&server.url()).unwrap();
    let store = PostgresStore::open_counted(address, Arc::clone(&meter)).await.unwrap();
    let one = make(&store, "d1").await;
    assert_eq!(store.write(vec![Change::Insert(one)]).await.unwrap(), Outcome::Conflict);
    let text = meter.text();
    for line in ["twinops_hub_store_commit_batches_sum 2.0", "twinops_hub_store_commit_batches_count 2"] {
        assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    }
    let names = [link("d1"), link("none")];
    for _ in 0..20 {
        let (bad, good, none) =
            tokio::join!(store.document(Kind::Authority, "a\0b"), store.get(&names[0]), store.get(&names[1]));
        assert!(bad.is_err() && good.unwrap().is_some() && none.unwrap().is_none());
    }
}
