//! One transaction for a group of batches.

use deadpool_postgres::{ClientWrapper, Pool};
use tokio::sync::Notify;
use tokio_postgres::types::ToSql;

use super::{
    super::{
        super::{Document, Outcome, span::beyond},
        connect::Lent,
        fault::Fault,
        row,
    },
    Job,
    columns::{Records, names},
    plan::{self, Found, Key, Plan},
    sql,
};

type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Writes a group; how each of its batches ended. A connection on which something went wrong is not used again.
pub(super) async fn transaction(pool: &Pool, node: i64, bell: &Notify, group: &[Job]) -> Result<Vec<Outcome>, Fault> {
    let lent = Lent::from(pool).await?;
    let client = lent.client();
    client.batch_execute("BEGIN").await?;
    let plan = Plan::make(group, lock(client, group).await?);
    let mut nodes = write(client, &plan, node).await?;
    nodes.sort_unstable();
    nodes.dedup();
    let own = nodes.contains(&node);
    nodes.retain(|other| *other != node);
    if !nodes.is_empty() {
        query(client, sql::RING, &[&nodes]).await?;
    }
    client.batch_execute("COMMIT").await?;
    lent.give_back();
    if own {
        bell.notify_one();
    }
    Ok(plan.outcomes)
}

async fn execute(client: &ClientWrapper, sql: &str, values: Parameters<'_>) -> Result<u64, Fault> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, values).await?)
}

async fn query(client: &ClientWrapper, sql: &str, values: Parameters<'_>) -> Result<Vec<tokio_postgres::Row>, Fault> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, values).await?)
}

/// The rows that the group is about, locked.
async fn lock<'a>(client: &ClientWrapper, group: &'a [Job]) -> Result<Found<'a>, Fault> {
    let (records, documents) = plan::rows(group);
    let mut found = Found::default();
    if !records.is_empty() {
        let (devices, modules) = names(records.iter().map(|(link, _)| *link));
        let identities: Vec<Option<&str>> = records.iter().map(|(_, identity)| *identity).collect();
        for row in query(client, sql::LOCK_RECORDS, &[&devices, &modules, &identities]).await? {
            let link = row::link(&row, 0)?;
            let revision = row::counter(&row, 2)?;
            if let Ok(at) = records.binary_search_by_key(&&link, |(link, _)| *link) {
                found.insert(Key::Record(records[at].0), revision);
            }
            if row.try_get(3)? {
                found.insert_same(link);
            }
        }
    }
    if !documents.is_empty() {
        let (kinds, ids): (Vec<&str>, Vec<&str>) = documents.iter().map(|(kind, id)| (kind.name(), *id)).unzip();
        for row in query(client, sql::LOCK_DOCUMENTS, &[&kinds, &ids]).await? {
            let (kind, id): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
            if let Ok(at) = documents.binary_search_by_key(&(kind, id), |(kind, id)| (kind.name(), *id)) {
                found.insert(Key::Document(documents[at].0, documents[at].1), row::counter(&row, 2)?);
            }
        }
    }
    Ok(found)
}

/// Fails in a way that makes the group begin again when not as many rows were written as were to be: somebody made a
/// row that was not there to be locked.
fn all(written: u64, wanted: usize) -> Result<(), Fault> {
    if written == wanted as u64 {
        return Ok(());
    }
    Err(Fault::overtaken())
}

/// Writes everything; the nodes that have mail.
async fn write(client: &ClientWrapper, plan: &Plan<'_>, node: i64) -> Result<Vec<i64>, Fault> {
    let mut nodes = Vec::new();
    if !plan.deletes.is_empty() {
        let (devices, modules) = names(plan.deletes.iter().copied());
        nodes.extend(mail(client, sql::CUT, &[&devices, &modules, &node]).await?);
        all(execute(client, sql::DELETE, &[&devices, &modules]).await?, plan.deletes.len())?;
        execute(client, sql::DELETE_SESSIONS, &[&devices, &modules]).await?;
    }
    if !plan.inserts.is_empty() {
        let (devices, modules) = names(plan.inserts.iter().map(|record| &record.link));
        // Nothing of a namesake that was deleted comes back.
        execute(client, sql::DELETE_SESSIONS, &[&devices, &modules]).await?;
        let records = Records::new(&plan.inserts);
        all(execute(client, sql::INSERT, &records.parameters()).await?, plan.inserts.len())?;
    }
    if !plan.updates.is_empty() {
        let records = Records::new(&plan.updates);
        all(execute(client, sql::UPDATE, &records.parameters()).await?, plan.updates.len())?;
    }
    documents(client, plan).await?;
    nodes.extend(sessions(client, plan, node).await?);
    if !plan.tells.is_empty() {
        let (devices, modules) = names(plan.tells.iter().map(|(link, ..)| *link));
        let versions: Vec<i64> = plan.tells.iter().map(|(_, version, _)| version.cast_signed()).collect();
        let patches: Vec<&[u8]> = plan.tells.iter().map(|(.., patch)| *patch).collect();
        nodes.extend(mail(client, sql::TELL, &[&devices, &modules, &versions, &patches]).await?);
    }
    if !plan.cuts.is_empty() {
        let (devices, modules) = names(plan.cuts.iter().copied());
        nodes.extend(mail(client, sql::CUT, &[&devices, &modules, &node]).await?);
    }
    if !plan.mails.is_empty() {
        let (devices, modules) = names(plan.mails.iter().copied());
        nodes.extend(mail(client, sql::MAIL, &[&devices, &modules, &node]).await?);
    }
    Ok(nodes)
}

async fn mail(client: &ClientWrapper, sql: &str, values: Parameters<'_>) -> Result<Vec<i64>, Fault> {
    query(client, sql, values).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

async fn sessions(client: &ClientWrapper, plan: &Plan<'_>, node: i64) -> Result<Vec<i64>, Fault> {
    let mut nodes = Vec::new();
    if !plan.subscriptions.is_empty() {
        let (devices, modules) = names(plan.subscriptions.iter().map(|(link, _)| *link));
        let codes: Vec<i64> = plan.subscriptions.iter().map(|(_, code)| i64::from(*code)).collect();
        execute(client, sql::SUBSCRIPTIONS, &[&devices, &modules, &codes]).await?;
    }
    if !plan.seen.is_empty() {
        let (devices, modules) = names(plan.seen.iter().map(|(link, ..)| *link));
        let activity: Vec<&str> = plan.seen.iter().map(|(_, activity, ..)| *activity).collect();
        let changed: Vec<&str> = plan.seen.iter().map(|(_, _, changed, _)| *changed).collect();
        let live: Vec<bool> = plan.seen.iter().map(|(.., live)| *live).collect();
        execute(client, sql::SEEN, &[&devices, &modules, &activity, &changed, &live, &node]).await?;
    }
    if !plan.claims.is_empty() {
        let (devices, modules) = names(plan.claims.iter().map(|(link, ..)| *link));
        let tickets: Vec<i64> = plan.claims.iter().map(|(_, ticket, _)| ticket.cast_signed()).collect();
        let times: Vec<&str> = plan.claims.iter().map(|(.., at)| *at).collect();
        nodes.extend(mail(client, sql::CLAIM, &[&devices, &modules, &tickets, &times, &node]).await?);
    }
    if !plan.settings.is_empty() {
        let (names, values): (Vec<&str>, Vec<&str>) = plan.settings.iter().copied().unzip();
        execute(client, sql::SETTINGS, &[&names, &values]).await?;
    }
    Ok(nodes)
}

async fn documents(client: &ClientWrapper, plan: &Plan<'_>) -> Result<(), Fault> {
    for (kind, prefix) in &plan.gone_prefixes {
        execute(client, sql::DELETE_PREFIX, &[&kind.name(), prefix, &beyond(prefix)]).await?;
    }
    if !plan.gone_documents.is_empty() {
        let (kinds, ids): (Vec<&str>, Vec<&str>) =
            plan.gone_documents.iter().map(|(kind, id)| (kind.name(), *id)).unzip();
        all(execute(client, sql::DELETE_DOCUMENTS, &[&kinds, &ids]).await?, plan.gone_documents.len())?;
    }
    for (sql, some) in [(sql::INSERT_DOCUMENTS, &plan.new_documents), (sql::UPDATE_DOCUMENTS, &plan.documents)] {
        if some.is_empty() {
            continue;
        }
        let column = |get: fn(&Document) -> &str| some.iter().map(|document| get(document)).collect::<Vec<_>>();
        let (kinds, ids, bodies) = (column(|one| one.kind.name()), column(|one| &one.id), column(|one| &one.body));
        all(execute(client, sql, &[&kinds, &ids, &bodies]).await?, some.len())?;
    }
    Ok(())
}
