//! What PostgreSQL does without a hub: no HTTP, no TLS, no JSON. The same server and the same number of writers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};

use crate::support::{Numbers, figure};

/// Rows that one statement of the second figure writes, and connections that do so.
const BATCH: u64 = 64;
const LANES: u64 = 3;

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server listens");
    // It ends with its client.
    tokio::spawn(connection);
    client
}

/// Transactions so far.
pub(crate) async fn commits(url: &str) -> f64 {
    let sql = "SELECT sum(xact_commit)::float8 FROM pg_stat_database";
    connect(url).await.query_one(sql, &[]).await.expect("a row").get(0)
}

/// Compare-and-set of twins of 1.7 KB: a row a statement, and many.
pub(crate) async fn run(url: &str, count: u64, clients: u64, time: Duration) {
    let client = connect(url).await;
    let tables = "CREATE TABLE alone(id bigint PRIMARY KEY, version bigint NOT NULL, body text NOT NULL) \
        WITH (fillfactor = 70)";
    client.batch_execute(tables).await.expect("a table");
    let fill = "INSERT INTO alone SELECT id, 1, repeat('x', 1700) FROM generate_series(0, $1::bigint - 1) AS id";
    client.execute(fill, &[&count.cast_signed()]).await.expect("rows");
    let rate = rate(url, clients, 1, count, time).await;
    figure("PostgreSQL alone, a row a statement, as many writers", rate, "writes/s", "-");
    let rate = self::rate(url, LANES, BATCH, count, time).await;
    figure("PostgreSQL alone, 64 rows a statement, three writers", rate, "writes/s", "-");
}

async fn rate(url: &str, clients: u64, batch: u64, count: u64, time: Duration) -> f64 {
    let written = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for number in 0..clients {
        // Each has rows of its own, so that none waits for another.
        let own = count / clients * number..count / clients * (number + 1);
        tasks.spawn(write(connect(url).await, own, batch, time, Arc::clone(&written)));
    }
    let start = Instant::now();
    while let Some(done) = tasks.join_next().await {
        done.expect("a writer ends well");
    }
    written.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

async fn write(client: Client, own: std::ops::Range<u64>, batch: u64, time: Duration, written: Arc<AtomicU64>) {
    let sql = "UPDATE alone a SET version = u.version + 1, body = u.body \
        FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS u(id, version, body) \
        WHERE a.id = u.id AND a.version = u.version";
    let update = client.prepare(sql).await.expect("a statement");
    let sql = "SELECT version FROM alone WHERE id >= $1 AND id < $2 ORDER BY id";
    let rows = client.query(sql, &[&own.start.cast_signed(), &own.end.cast_signed()]).await.expect("versions");
    let mut versions: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    let mut numbers = Numbers::new(own.start);
    let body = "x".repeat(1700);
    let bodies = vec![body.as_str(); usize::try_from(batch).expect("few")];
    let end = Instant::now() + time;
    while Instant::now() < end {
        // Neighbours, so that no row is there twice.
        let first = numbers.below(own.end - own.start - batch + 1);
        let ids: Vec<i64> = (own.start + first..own.start + first + batch).map(u64::cast_signed).collect();
        let places = usize::try_from(first).expect("they fit")..usize::try_from(first + batch).expect("they fit");
        let now = versions[places.clone()].to_vec();
        let rows = client.execute(&update, &[&ids, &now, &bodies]).await.expect("a write");
        assert_eq!(rows, batch, "nobody else writes these rows");
        versions[places].iter_mut().for_each(|version| *version += 1);
        written.fetch_add(batch, Ordering::Relaxed);
    }
}
