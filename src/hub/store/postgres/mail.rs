//! What hubs tell each other: rows that the addressee takes away, a doorbell, and a sign of life.

use std::{sync::Mutex, time::Duration};

use bytes::Bytes;
use deadpool_postgres::Pool;
use tokio_postgres::Row;

use super::{
    connect::Lent,
    fault::Fault,
    reader::rows,
    row::{counter, link, module},
};
use crate::hub::ports::LinkId;

/// Most letters that are taken at a time.
const HANDFUL: i64 = 500;
/// A node that was not heard of for so long is forgotten, and its mail with it; should it be alive after all, it finds
/// out and cuts its links, because their devices may have missed something.
const FORGOTTEN: &str = "10 minutes";

/// Something from another hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Letter {
    /// A device here is told of desired properties.
    Desired { link: LinkId, version: u64, patch: Bytes },
    /// A link here is to end, if it is not newer than this ticket.
    Cut { link: LinkId, ticket: u64 },
    /// A message waits for a device here.
    Mail { link: LinkId },
    /// A method of a device here is called; the answer goes to `from`.
    Call { link: LinkId, call: u64, from: i64, request: Bytes },
    /// A method that was called from here came to this.
    Answer { call: u64, answer: Bytes },
}

/// How the fleet of hubs stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Links of all other hubs that are alive.
    pub(crate) others: u64,
    /// This hub was thought dead, so that mail for it may be lost.
    pub(crate) forgotten: bool,
}

/// Letters that were handed out although the database may still have them.
#[derive(Debug, Default)]
pub(crate) struct Delivered(Mutex<Vec<i64>>);

/// Letters that have come, in order; they are gone from the database only with [`Handful::done`]. Dropping it leaves
/// them there.
pub(crate) struct Handful<'a> {
    pub(crate) letters: Vec<Letter>,
    /// Whether there may be more.
    pub(crate) more: bool,
    places: Vec<i64>,
    lent: Lent,
    delivered: &'a Delivered,
}

/// Takes what has come for `node`.
pub(super) async fn take<'a>(pool: &Pool, node: i64, delivered: &'a Delivered) -> Result<Handful<'a>, Fault> {
    let lent = Lent::from(pool).await?;
    let client = lent.client();
    client.batch_execute("BEGIN").await?;
    let sql = "WITH few AS (SELECT seq FROM mail WHERE node = $1 ORDER BY seq LIMIT $2) \
        DELETE FROM mail m USING few WHERE m.node = $1 AND m.seq = few.seq \
        RETURNING m.seq, m.kind, m.device_id, m.module_id, m.number, m.name, m.body, m.reply_to, \
        coalesce(m.expires < now(), false)";
    let statement = client.prepare_cached(sql).await?;
    let mut found = Vec::new();
    for row in client.query(&statement, &[&node, &HANDFUL]).await? {
        found.push((row.try_get::<_, i64>(0)?, read(&row)?));
    }
    found.sort_unstable_by_key(|(place, _)| *place);
    let more = i64::try_from(found.len()).is_ok_and(|count| count >= HANDFUL);
    let places = found.iter().map(|(place, _)| *place).collect();
    let letters = found.into_iter().filter(|(place, _)| !delivered.knows(*place)).filter_map(|(_, letter)| letter);
    Ok(Handful { letters: letters.collect(), more, places, lent, delivered })
}

impl Handful<'_> {
    /// The letters were handed out. Should the database not hear of it, they come again and are recognised.
    pub(super) async fn done(self) -> Result<(), Fault> {
        self.delivered.set(self.places);
        self.lent.client().batch_execute("COMMIT").await?;
        self.delivered.set(Vec::new());
        self.lent.give_back();
        Ok(())
    }
}

impl Delivered {
    fn knows(&self, place: i64) -> bool {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).contains(&place)
    }

    fn set(&self, places: Vec<i64>) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = places;
    }
}

/// Nothing for a letter that came too late, or that a newer hub wrote.
fn read(row: &Row) -> Result<Option<Letter>, Fault> {
    let number = counter(row, 4)?;
    let body = || Ok::<_, Fault>(Bytes::from(row.try_get::<_, Vec<u8>>(6)?));
    Ok(match row.try_get::<_, i16>(1)? {
        1 => Some(Letter::Desired { link: link(row, 2)?, version: number, patch: body()? }),
        2 => Some(Letter::Cut { link: link(row, 2)?, ticket: number }),
        3 if !row.try_get::<_, bool>(8)? => {
            Some(Letter::Call { link: link(row, 2)?, call: number, from: row.try_get(7)?, request: body()? })
        }
        4 => Some(Letter::Answer { call: number, answer: body()? }),
        5 => Some(Letter::Mail { link: link(row, 2)? }),
        _ => None,
    })
}

/// Sends a method call to the node that has the link; that node, unless nobody has it who is alive, or `from` itself has
/// it.
pub(super) async fn call(
    pool: &Pool,
    from: i64,
    link: &LinkId,
    call: u64,
    request: &[u8],
    patience: Duration,
) -> Result<Option<i64>, Fault> {
    let sql = "WITH mailed AS (
            INSERT INTO mail(node, kind, device_id, module_id, number, name, body, reply_to, expires)
            SELECT s.node, 3, s.device_id, s.module_id, $3, '', $4, $5, now() + $6 * interval '1 second'
            FROM session s JOIN node n ON n.id = s.node AND n.heartbeat > now() - interval '15 seconds'
            WHERE s.device_id = $1 AND s.module_id = $2 AND s.node <> $5 RETURNING node
        )
        SELECT node, pg_notify('twinops_hub_' || node, '') FROM mailed";
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
        [&link.device.as_str(), &module(link), &call.cast_signed(), &request, &from, &patience.as_secs_f64()];
    let rows = rows(pool, sql, &values).await?;
    Ok(rows.first().map(|row| row.try_get(0)).transpose()?)
}

/// Sends an answer to the node that called.
pub(super) async fn answer(pool: &Pool, to: i64, call: u64, answer: &[u8]) -> Result<(), Fault> {
    let sql = "WITH mailed AS (
            INSERT INTO mail(node, kind, device_id, module_id, number, name, body)
            SELECT id, 4, '', '', $2, '', $3 FROM node WHERE id = $1 RETURNING node
        )
        SELECT pg_notify('twinops_hub_' || node, '') FROM mailed";
    rows(pool, sql, &[&to, &call.cast_signed(), &answer]).await.map(drop)
}

/// Says that `node` is alive and how many links it has; how the others stand. Forgets who was not heard of for long.
pub(super) async fn heartbeat(pool: &Pool, node: i64, name: &str, links: u64) -> Result<Standing, Fault> {
    let beat = "UPDATE node SET heartbeat = now(), links = $2 WHERE id = $1 RETURNING id";
    let forgotten = rows(pool, beat, &[&node, &links.cast_signed()]).await?.is_empty();
    if forgotten {
        let insert = "INSERT INTO node(id, name, links, heartbeat) VALUES($1, $2, $3, now()) ON CONFLICT DO NOTHING";
        rows(pool, insert, &[&node, &name, &links.cast_signed()]).await?;
    }
    let others = "SELECT coalesce(sum(links), 0)::bigint FROM node \
        WHERE id <> $1 AND heartbeat > now() - interval '15 seconds'";
    let others = rows(pool, others, &[&node]).await?;
    Ok(Standing { others: others.first().map_or(Ok(0), |row| counter(row, 0))?, forgotten })
}

/// Forgets nodes that are dead and mail that nobody will take.
pub(super) async fn sweep(pool: &Pool) -> Result<(), Fault> {
    let sql = format!("DELETE FROM node WHERE heartbeat < now() - interval '{FORGOTTEN}'");
    rows(pool, &sql, &[]).await?;
    let sql = "DELETE FROM mail m WHERE NOT EXISTS (SELECT FROM node n WHERE n.id = m.node)";
    rows(pool, sql, &[]).await.map(drop)
}

/// Takes its name from the list: its links count as gone at once.
pub(super) async fn leave(pool: &Pool, node: i64) -> Result<(), Fault> {
    rows(pool, "DELETE FROM node WHERE id = $1", &[&node]).await?;
    rows(pool, "DELETE FROM mail WHERE node = $1", &[&node]).await.map(drop)
}

/// Takes or keeps the lease of some work, by the database's clock.
pub(super) async fn lease(pool: &Pool, node: i64, name: &str, time: Duration) -> Result<bool, Fault> {
    let sql = "INSERT INTO lease(name, holder, ends) VALUES($1, $2, clock_timestamp() + $3 * interval '1 second') \
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, ends = excluded.ends \
        WHERE lease.holder = excluded.holder OR lease.ends < clock_timestamp() RETURNING name";
    Ok(!rows(pool, sql, &[&name, &node, &time.as_secs_f64()]).await?.is_empty())
}
