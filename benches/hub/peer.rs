//! What others do on this machine, in the same run.

use std::{
    path::Path,
    sync::mpsc,
    time::{Duration, Instant},
};

use rusqlite::{Connection, params};

use crate::support::figure;

/// SQLite alone: writers hand twins of 1.7 KB to one thread that commits, synced, whatever has arrived. No HTTP, no
/// TLS, no JSON: the floor under the embedded store.
pub(crate) fn sqlite(folder: &Path, clients: u64, time: Duration) {
    let connection = Connection::open(folder.join("peer.db")).expect("a database");
    connection
        .execute_batch(
            "PRAGMA page_size = 8192; PRAGMA journal_mode = wal; PRAGMA synchronous = full; \
             CREATE TABLE twin(id INTEGER PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL);",
        )
        .expect("a table");
    let (send, inbox) = mpsc::sync_channel::<(u64, mpsc::SyncSender<()>)>(1024);
    let end = Instant::now() + time;
    let writers: Vec<_> = (0..clients)
        .map(|seed| {
            let send = send.clone();
            std::thread::spawn(move || ask(&send, seed, end))
        })
        .collect();
    drop(send);
    let body = "x".repeat(1700);
    let mut written = 0_u64;
    while let Ok(first) = inbox.recv() {
        let group: Vec<_> = std::iter::once(first).chain(inbox.try_iter().take(511)).collect();
        connection.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
        for (id, _) in &group {
            let sql = "INSERT INTO twin VALUES(?1, 1, ?2) ON CONFLICT DO UPDATE SET version = version + 1";
            let mut statement = connection.prepare_cached(sql).expect("a statement");
            statement.execute(params![id.cast_signed(), body]).expect("a write");
        }
        connection.execute_batch("COMMIT").expect("a commit");
        written += group.len() as u64;
        group.into_iter().for_each(|(_, answer)| answer.send(()).unwrap_or_default());
    }
    writers.into_iter().for_each(|writer| writer.join().expect("a writer ends well"));
    figure(
        "SQLite alone, group commit, the same number of writers",
        written as f64 / time.as_secs_f64(),
        "writes/s",
        "-",
    );
}

fn ask(send: &mpsc::SyncSender<(u64, mpsc::SyncSender<()>)>, seed: u64, end: Instant) {
    let mut numbers = crate::support::Numbers::new(seed);
    while Instant::now() < end {
        let (answer, answered) = mpsc::sync_channel(1);
        send.send((numbers.below(10_000), answer)).expect("somebody writes");
        answered.recv().expect("an answer");
    }
}
