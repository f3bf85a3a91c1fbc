//! One transaction for a group of batches, in two round trips: in the first its rows are locked and looked at, in the
//! second they are written, and committed unless something is still to be looked at before.

use deadpool_postgres::{ClientWrapper, Pool};
use futures_util::future::{join, join_all, join3};
use tokio::sync::Notify;
use tokio_postgres::{Row, Statement};

use super::{
    super::{super::Outcome, connect::Lent, fault::Fault, row},
    Job,
    columns::columns,
    plan::{self, Found, Key, Plan},
    sql,
    steps::{Step, steps},
};

/// Writes a group; how each of its batches ended. A connection on which something went wrong is not used again.
pub(super) async fn transaction(pool: &Pool, node: i64, bell: &Notify, group: &[Job]) -> Result<Vec<Outcome>, Fault> {
    let lent = Lent::from(pool).await?;
    let client = lent.client();
    let plan = Plan::make(group, lock(client, group).await?);
    let steps = steps(&plan, node);
    let statements = prepare(client, &steps).await?;
    // What is polled one after the other is sent one after the other, without waiting for answers.
    let writes = join_all(steps.iter().zip(&statements).map(|(step, statement)| step.run(client, statement)));
    let nodes = if plan.is_sure() {
        let (written, committed) = join(writes, client.batch_execute("COMMIT")).await;
        let nodes = all(written)?;
        committed?;
        nodes
    } else {
        let nodes = all(writes.await)?;
        client.batch_execute("COMMIT").await?;
        nodes
    };
    lent.give_back();
    if nodes.contains(&node) {
        bell.notify_one();
    }
    Ok(plan.outcomes)
}

fn all(written: Vec<Result<Vec<i64>, Fault>>) -> Result<Vec<i64>, Fault> {
    Ok(written.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
}

async fn prepare(client: &ClientWrapper, steps: &[Step<'_>]) -> Result<Vec<Statement>, Fault> {
    let mut statements = Vec::with_capacity(steps.len());
    for step in steps {
        statements.push(client.prepare_cached(step.sql).await?);
    }
    Ok(statements)
}

/// Begins, and locks the rows that the group is about.
async fn lock<'a>(client: &ClientWrapper, group: &'a [Job]) -> Result<Found<'a>, Fault> {
    let (records, documents) = plan::rows(group);
    let lock_records = client.prepare_cached(sql::LOCK_RECORDS).await?;
    let lock_documents = client.prepare_cached(sql::LOCK_DOCUMENTS).await?;
    let (devices, modules) = columns(records.iter().map(|(link, _)| *link));
    let identities: Vec<Option<&str>> = records.iter().map(|(_, identity)| *identity).collect();
    let (kinds, ids): (Vec<&str>, Vec<&str>) = documents.iter().map(|(kind, id)| (kind.name(), *id)).unzip();
    let (begun, found_records, found_documents) = join3(
        client.batch_execute("BEGIN"),
        unless(records.is_empty(), client.query(&lock_records, &[&devices, &modules, &identities])),
        unless(documents.is_empty(), client.query(&lock_documents, &[&kinds, &ids])),
    )
    .await;
    begun?;
    let mut found = Found::default();
    for row in found_records? {
        let link = row::link(&row, 0)?;
        let revision = row::counter(&row, 2)?;
        if let Ok(at) = records.binary_search_by_key(&&link, |(link, _)| *link) {
            found.insert(Key::Record(records[at].0), revision);
        }
        if row.try_get(3)? {
            found.insert_same(link);
        }
    }
    for row in found_documents? {
        let (kind, id): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        if let Ok(at) = documents.binary_search_by_key(&(kind, id), |(kind, id)| (kind.name(), *id)) {
            found.insert(Key::Document(documents[at].0, documents[at].1), row::counter(&row, 2)?);
        }
    }
    Ok(found)
}

/// No rows when there is nothing to ask for.
async fn unless(
    is_nothing: bool,
    rows: impl Future<Output = Result<Vec<Row>, tokio_postgres::Error>>,
) -> Result<Vec<Row>, Fault> {
    if is_nothing { Ok(Vec::new()) } else { Ok(rows.await?) }
}
