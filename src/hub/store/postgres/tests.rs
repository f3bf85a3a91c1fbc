//! What holds for several processes over one database.

mod formats;
mod links;

use std::{collections::HashMap, sync::Arc, time::Instant};

use super::{
    super::tests::{postgres, server::Postgres, shared},
    *,
};
use crate::{hub::record::Waiting, iothub::DeviceIdentity, twin::DeviceId};

fn link(id: &str) -> LinkId {
    LinkId { device: DeviceId::new(id).unwrap(), module: None }
}

fn record(id: &str) -> Arc<Record> {
    let identity = DeviceIdentity { device_id: id.to_owned(), ..DeviceIdentity::default() };
    Arc::new(Record::fresh(link(id), &identity, 7, "2026-01-01T00:00:00Z").unwrap())
}

async fn make(store: &PostgresStore, id: &str) -> Arc<Record> {
    let record = record(id);
    assert_eq!(store.write(vec![Change::Insert(Arc::clone(&record))]).await.unwrap(), Outcome::Written);
    record
}

async fn client(server: &Postgres) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn letters(store: &PostgresStore) -> Vec<Letter> {
    let mut handful = store.take_mail().await.unwrap();
    let letters = std::mem::take(&mut handful.letters);
    store.mail_done(handful).await.unwrap();
    letters
}

fn tell(id: &str, version: u64) -> Change {
    Change::Tell { link: link(id), version, patch: format!("{version}").into_bytes().into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn hubs_that_start_together_make_the_tables_once_and_agree_on_settings() {
    let Some(server) = postgres() else { return };
    let (a, b, c) = tokio::join!(shared(&server), shared(&server), shared(&server));
    let (one, two, three) = tokio::join!(a.settle("s", "a"), b.settle("s", "b"), c.settle("s", "c"));
    let one = one.unwrap();
    assert_eq!((&two.unwrap(), &three.unwrap()), (&one, &one));
    let found = PostgresStore::settings_of(&a.address, &["s", "none"]).await.unwrap();
    assert_eq!(found, Some(vec![Some(one), None]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_a_newer_program_is_refused_and_a_stranger_too() {
    let Some(server) = postgres() else { return };
    shared(&server).await.close().await;
    client(&server).await.batch_execute("UPDATE format SET format = 99").await.unwrap();
    let address = Address::parse(&server.url()).unwrap();
    let refused = PostgresStore::open(address.clone()).await.unwrap_err();
    assert!(matches!(refused, StoreError::TooNew { found: 99, .. }), "{refused}");
    let wrong = Address::parse(&server.url().replace("secret", "guess")).unwrap();
    let refused = PostgresStore::open(wrong).await.unwrap_err();
    let said = format!("{refused} {refused:?} {address} {address:?}");
    assert!(said.contains("password authentication failed") && !said.contains("guess"), "{said}");
    assert!(!said.contains(Postgres::password()));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_wait_in_a_store_of_an_earlier_format_are_counted() {
    let Some(server) = postgres() else { return };
    let store = shared(&server).await;
    make(&store, "d1").await;
    store.close().await;
    let old = r#"ALTER TABLE session DROP COLUMN waiting; UPDATE format SET format = 1;
        INSERT INTO document VALUES('queue', '/', 1, '{"entries":[{"expires":7}]}'),
            ('queue', 'd1/', 1, '{"entries":[{"expires":9,"receipt":{"messageId":"\u0000\"expires\":5"}},{"expires":8}]}');"#;
    client(&server).await.batch_execute(old).await.unwrap();
    let record = shared(&server).await.get(&link("d1")).await.unwrap().unwrap();
    assert_eq!(record.session.waiting, Waiting::from_iter([9, 8]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_one_process_s_until_it_is_over() {
    let Some(server) = postgres() else { return };
    let (a, b) = (shared(&server).await, shared(&server).await);
    let long = Duration::from_mins(1);
    assert!(a.lease("work", long).await.unwrap() && a.lease("work", Duration::ZERO).await.unwrap());
    assert!(b.lease("work", long).await.unwrap(), "it was over");
    assert!(!a.lease("work", long).await.unwrap() && a.lease("other", long).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_claims_a_link_last_has_it_and_hears_what_its_device_is_told() {
    let Some(server) = postgres() else { return };
    let (a, b) = (shared(&server).await, shared(&server).await);
    for store in [&a, &b] {
        store.heartbeat("test", 0).await.unwrap();
    }
    let one = make(&a, "d1").await;
    assert_eq!(a.claim(&link("d1"), "another identity", "T").await.unwrap(), Outcome::Conflict);
    assert_eq!(a.claim(&link("none"), &one.identity, "T").await.unwrap(), Outcome::Conflict);
    assert_eq!(a.claim(&link("d1"), &one.identity, "T").await.unwrap(), Outcome::Written);
    assert!(b.get(&link("d1")).await.unwrap().unwrap().session.connected);
    let update = [Change::Update(Arc::clone(&one)), tell("d1", 1), tell("d1", 2), tell("none", 9)];
    assert_eq!(b.write(update.to_vec()).await.unwrap(), Outcome::Written);
    assert_eq!(b.write(update.to_vec()).await.unwrap(), Outcome::Conflict, "and then nobody is told");
    let versions = letters(&a).await.into_iter().map(|letter| match letter {
        Letter::Desired { version, patch, .. } => (version, patch),
        other => panic!("{other:?}"),
    });
    assert_eq!(versions.collect::<Vec<_>>(), [(1, "1".into()), (2, "2".into())]);
    assert_eq!(letters(&a).await, []);

    let ticket = a.ticket(&link("d1")).unwrap();
    assert_eq!(b.claim(&link("d1"), &one.identity, "U").await.unwrap(), Outcome::Written);
    assert_eq!(letters(&a).await, [Letter::Cut { link: link("d1"), ticket }]);
    // The end of the old link is not the end of the new one.
    let seen =
        |at: &str| Change::Seen { link: link("d1"), last_activity: at.into(), state_changed: at.into(), live: false };
    a.note(seen("V"));
    assert_eq!(a.write(vec![tell("d1", 3)]).await.unwrap(), Outcome::Written);
    let session = a.get(&link("d1")).await.unwrap().unwrap().session;
    assert!(session.connected && session.state_changed.as_deref() == Some("U"));
    assert_eq!(letters(&b).await.len(), 1);

    // Whoever is disabled or deleted is cut wherever the link is.
    let current = a.get(&link("d1")).await.unwrap().unwrap();
    let disabled = Record { enabled: false, ..current };
    assert_eq!(a.write(vec![Change::Update(Arc::new(disabled.clone()))]).await.unwrap(), Outcome::Written);
    let ticket = b.ticket(&link("d1")).unwrap();
    assert_eq!(letters(&b).await, [Letter::Cut { link: link("d1"), ticket }]);
    let delete = Change::Delete { link: link("d1"), revision: disabled.revision + 1 };
    assert_eq!(a.write(vec![delete]).await.unwrap(), Outcome::Written);
    assert_eq!(letters(&b).await, [Letter::Cut { link: link("d1"), ticket }]);
    assert_eq!(a.write(vec![Change::Cut { link: link("d1") }]).await.unwrap(), Outcome::Written);
    assert_eq!(letters(&b).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_hub_s_links_are_gone_and_its_mail_with_its_name() {
    let Some(server) = postgres() else { return };
    let (a, b) = (shared(&server).await, shared(&server).await);
    let one = make(&a, "d1").await;
    assert!(a.heartbeat("a", 3).await.unwrap().forgotten, "it was not there before");
    assert_eq!(b.heartbeat("b", 2).await.unwrap().others, 3);
    assert_eq!(a.claim(&link("d1"), &one.identity, "T").await.unwrap(), Outcome::Written);
    let client = client(&server).await;
    client.batch_execute("UPDATE node SET heartbeat = now() - interval '20 seconds' WHERE name = 'a'").await.unwrap();
    assert!(!b.get(&link("d1")).await.unwrap().unwrap().session.connected);
    assert_eq!(b.heartbeat("b", 2).await.unwrap().others, 0);
    assert!(!b.post_call(&link("d1"), 1, b"", Duration::from_secs(1)).await.unwrap());
    assert_eq!(b.write(vec![tell("d1", 1)]).await.unwrap(), Outcome::Written);
    b.sweep().await.unwrap();
    assert_eq!(letters(&a).await.len(), 1, "who was silent for a moment misses nothing");
    client.batch_execute("UPDATE node SET heartbeat = now() - interval '1 hour' WHERE name = 'a'").await.unwrap();
    assert_eq!(b.write(vec![tell("d1", 2)]).await.unwrap(), Outcome::Written);
    b.sweep().await.unwrap();
    assert!(a.heartbeat("a", 3).await.unwrap().forgotten && letters(&a).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_out_is_not_handed_out_again_when_the_database_forgot_it() {
    let Some(mut server) = postgres() else { return };
    let (a, b) = (shared(&server).await, shared(&server).await);
    a.heartbeat("a", 0).await.unwrap();
    let one = make(&a, "d1").await;
    assert_eq!(a.claim(&link("d1"), &one.identity, "T").await.unwrap(), Outcome::Written);
    assert_eq!(b.write(vec![tell("d1", 1)]).await.unwrap(), Outcome::Written);
    drop(a.take_mail().await.unwrap());
    let handful = a.take_mail().await.unwrap();
    assert_eq!(handful.letters.len(), 1, "what was taken and not handed out is still there");
    server.kill();
    assert!(a.mail_done(handful).await.is_err());
    server.serve();
    assert_eq!(letters(&a).await, []);
    assert_eq!(b.write(vec![tell("d1", 2)]).await.unwrap(), Outcome::Written);
    assert_eq!(letters(&a).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_killed_database_and_the_store_goes_on_by_itself() {
    let Some(mut server) = postgres() else { return };
    let store = Arc::new(shared(&server).await);
    let writers = (0..8).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let (mut acknowledged, mut failed, mut after) = (Vec::new(), 0_u32, 0_u32);
            for n in 0.. {
                let id = format!("{writer}-{n}");
                match store.write(vec![Change::Insert(record(&id))]).await {
                    Ok(outcome) => {
                        assert_eq!(outcome, Outcome::Written);
                        acknowledged.push(id);
                        after += u32::from(failed > 0);
                    }
                    Err(_) => failed += 1,
                }
                if after > 20 {
                    break;
                }
            }
            acknowledged
        })
    });
    let writers: Vec<_> = writers.collect();
    while store.counts().await.unwrap().enabled < 500 {}
    let claimed = store.claim(&link("0-0"), &record("0-0").identity, "T").await.unwrap();
    assert_eq!(claimed, Outcome::Written);
    server.kill();
    // A note meanwhile is not lost.
    let subscriptions = Change::Subscriptions { link: link("0-0"), subscriptions: 5 };
    store.note(subscriptions);
    assert!(store.get(&link("0-0")).await.is_err());
    server.serve();
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    assert!(acknowledged.len() > 500);
    for id in acknowledged {
        assert!(store.get(&link(&id)).await.unwrap().is_some(), "{id}");
    }
    while store.get(&link("0-0")).await.unwrap().unwrap().session.subscriptions != 5 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_write_the_same_devices_lose_nothing() {
    let Some(server) = postgres() else { return };
    let stores = [Arc::new(shared(&server).await), Arc::new(shared(&server).await)];
    for device in 0..8 {
        make(&stores[0], &format!("d{device}")).await;
    }
    let mut writers = Vec::new();
    for writer in 0..16 {
        let store = Arc::clone(&stores[writer % 2]);
        writers.push(tokio::spawn(async move {
            let mut written = HashMap::new();
            for n in 0..40 {
                let pair = [(writer + n) % 8, (writer * 3 + n) % 8].map(|device| format!("d{device}"));
                let mut batch = Vec::new();
                for id in if pair[0] == pair[1] { &pair[..1] } else { &pair[..] } {
                    let mut record = store.get(&link(id)).await.unwrap().unwrap();
                    record.version += 1;
                    batch.push(Change::Update(Arc::new(record)));
                }
                if store.write(batch.clone()).await.unwrap() == Outcome::Written {
                    for id in pair.into_iter().take(batch.len()) {
                        *written.entry(id).or_insert(0_u64) += 1;
                    }
                }
            }
            written
        }));
    }
    let mut written = HashMap::new();
    for writer in writers {
        for (id, count) in writer.await.unwrap() {
            *written.entry(id).or_insert(0) += count;
        }
    }
    for (id, count) in written {
        let record = stores[0].get(&link(&id)).await.unwrap().unwrap();
        assert_eq!((record.version, record.revision), (2 + count, 7 + count), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_the_database_does_not_take_hurts_no_other() {
    let Some(server) = postgres() else { return };
    let store = Arc::new(shared(&server).await);
    let writes = (0..50).map(|n| {
        let mut one = Record::clone(&record(&format!("d{n}")));
        if n == 25 {
            one.model_id = "a\0b".into();
        }
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.write(vec![Change::Insert(Arc::new(one))]).await })
    });
    for (n, write) in writes.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(write.await.unwrap().is_ok(), n != 25, "{n}");
    }
}

/// Prints how fast writes are when `TWINOPS_TEST_RATE` is set; otherwise only that they are all there.
#[tokio::test(flavor = "multi_thread")]
async fn many_writers_share_transactions() {
    let Some(server) = postgres() else { return };
    let store = Arc::new(shared(&server).await);
    let (devices, rounds) = if std::env::var_os("TWINOPS_TEST_RATE").is_some() { (2000, 20) } else { (100, 3) };
    let filler = "x".repeat(1000);
    let begin = Instant::now();
    let writers = (0..devices).map(|n| {
        let (store, filler) = (Arc::clone(&store), filler.clone());
        tokio::spawn(async move {
            let mut one = Record::clone(&record(&format!("d{n}")));
            one.tags = Some(r#"{"site":"oslo","role":"kiosk"}"#.into());
            one.desired.values = format!(r#"{{"a":"{filler}"}}"#).into();
            assert_eq!(store.write(vec![Change::Insert(Arc::new(one.clone()))]).await.unwrap(), Outcome::Written);
            for _ in 0..rounds {
                one.version += 1;
                let update = vec![Change::Update(Arc::new(one.clone())), tell(&format!("d{n}"), 1)];
                assert_eq!(store.write(update).await.unwrap(), Outcome::Written);
                one.revision += 1;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let total = devices * (rounds + 1);
    if devices > 100 {
        use std::io::Write as _;
        let rate = f64::from(total) / begin.elapsed().as_secs_f64();
        writeln!(std::io::stderr(), "{total} durable writes, {rate:.0}/s").unwrap();
    }
    assert_eq!(store.counts().await.unwrap().enabled, u64::try_from(devices).unwrap());
}
