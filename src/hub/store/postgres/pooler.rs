//! Whether a connection is one: a pooler in transaction mode gives it to others between transactions, and what a hub
//! has set, prepared or listens to on it is then somebody else's.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::{
    super::StoreError,
    fault::{Fault, failed},
};

/// How long it may take at most.
const PATIENCE: Duration = Duration::from_secs(20);
/// A setting that means nothing to the server.
const MARK: &str = "twinops.mark";

/// Refuses connections that are shared: while `other` keeps whatever the server gave it last, `client` has to find
/// what it left.
pub(super) async fn check(client: &Client, other: &Client) -> Result<(), StoreError> {
    let fail = failed("looking at the connection");
    // One of them waits for the other when the pooler has a single connection.
    let Ok(kept) = timeout(PATIENCE, keeps(client, other)).await else { return Err(StoreError::Pooled) };
    if kept.map_err(Fault::from).map_err(fail)? { Ok(()) } else { Err(StoreError::Pooled) }
}

async fn keeps(client: &Client, other: &Client) -> Result<bool, tokio_postgres::Error> {
    let mark = fastrand::u64(..);
    client.batch_execute(&format!("SET {MARK} = '{mark}'")).await?;
    other.batch_execute("BEGIN; SELECT 1").await?;
    let found = client.simple_query(&format!("SELECT current_setting('{MARK}', true)")).await?;
    other.batch_execute("COMMIT").await?;
    let found = found.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    Ok(found == Some(mark.to_string().as_str()))
}
