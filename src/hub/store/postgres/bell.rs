//! The doorbell: a connection that listens for `NOTIFY`. Rings may be lost while it is away; whoever waits looks for
//! mail by himself now and then.

use std::{future::poll_fn, sync::Arc, time::Duration};

use tokio::sync::Notify;
use tokio_postgres::AsyncMessage;
use tracing::{info, warn};

use super::{address::Address, connect::alone, fault::Fault, tls::Tls};
use crate::task::{Backoff, Stop};

/// Listens for `node` until `stop`, and rings `bell`: for mail, and whenever the connection is new.
pub(super) async fn listen(address: &Address, tls: &Tls, node: i64, bell: &Arc<Notify>, stop: &Stop) {
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
    loop {
        let Some(ended) = stop.unless(session(address, tls, node, bell, &mut backoff)).await else { return };
        let error = ended.map_or_else(|fault| fault.to_string(), |()| "the server closed it".to_owned());
        warn!(error, "the database's doorbell is away; mail is looked for every second");
        if stop.unless(tokio::time::sleep(backoff.next_wait())).await.is_none() {
            return;
        }
    }
}

async fn session(
    address: &Address,
    tls: &Tls,
    node: i64,
    bell: &Arc<Notify>,
    backoff: &mut Backoff,
) -> Result<(), Fault> {
    let (client, mut connection) = alone(address, tls).await?;
    let listen = format!("LISTEN twinops_hub_{node}");
    let ready = async {
        client.batch_execute(&listen).await?;
        info!("the database's doorbell is there");
        backoff.reset();
        bell.notify_one();
        // Keeps the client, and with it the connection, until the other branch ends.
        std::future::pending::<Result<(), tokio_postgres::Error>>().await
    };
    let rings = async {
        while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(_) = message? {
                bell.notify_one();
            }
        }
        Ok(())
    };
    tokio::select! {
        failed = ready => failed?,
        ended = rings => { ended.map_err(|error: tokio_postgres::Error| Fault::from(error))?; }
    }
    Ok(())
}
