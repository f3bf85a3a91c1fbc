//! Connections to the database.

use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio_postgres::Client;

use super::{address::Address, fault::Fault, tls::Tls};

/// How long somebody waits for a connection that others use.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a new connection may take, names and certificates included.
const CREATE: Duration = Duration::from_secs(10);

/// What a pool's connections are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// A few rows by name, the same statements again and again: planned once, because planning takes as
    /// long as running; and by the index, whatever the size of the tables is when they are planned.
    Short,
    /// Many rows, by conditions that differ.
    Long,
}

impl Load {
    /// A statement that takes longer is a fault, and its connection would be missed.
    const fn set_up(self) -> &'static str {
        match self {
            Self::Short => {
                "SET statement_timeout = '15s'; SET plan_cache_mode = 'force_generic_plan'; SET enable_seqscan = 'off'; \
                 SET enable_hashjoin = 'off'; SET enable_mergejoin = 'off';"
            }
            Self::Long => "SET statement_timeout = '60s';",
        }
    }
}

/// What every connection is set to. A database that acknowledges before it is durable is told not to.
const SET_UP: &str = "
    SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '30s';
    SET client_min_messages = 'error';
    SET jit = 'off';
    SET default_transaction_isolation = 'read committed';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
";

/// At most `size` connections, opened when needed.
pub(super) fn pool(address: &Address, tls: &Tls, size: usize, load: Load) -> Result<Pool, Fault> {
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(address.config.clone(), tls.clone(), recycling);
    let script = format!("{SET_UP}{}", load.set_up());
    let set_up = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
        let script = script.clone();
        Box::pin(async move { client.batch_execute(&script).await.map_err(HookError::Backend) })
    });
    let pool = Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(PATIENCE))
        .create_timeout(Some(CREATE))
        .recycle_timeout(Some(PATIENCE))
        .post_create(set_up)
        .build();
    pool.map_err(|error| Fault::statement(error.to_string()))
}

/// A connection that came from a pool and is thrown away unless it is said to be well: whatever broke off in the middle
/// may have left a transaction open.
pub(super) struct Lent(Option<Object>);

impl Lent {
    pub(super) async fn from(pool: &Pool) -> Result<Self, Fault> {
        Ok(Self(Some(pool.get().await?)))
    }

    pub(super) fn client(&self) -> &deadpool_postgres::ClientWrapper {
        self.0.as_ref().expect("it is given back only by value")
    }

    /// Goes back into the pool.
    pub(super) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(Object::take(object));
        }
    }
}

/// A connection of one's own, with its task.
pub(super) async fn alone(
    address: &Address,
    tls: &Tls,
) -> Result<
    (Client, tokio_postgres::Connection<tokio_postgres::Socket, super::tls::Stream<tokio_postgres::Socket>>),
    Fault,
> {
    let connecting = address.config.connect(tls.clone());
    let connected = tokio::time::timeout(CREATE, connecting).await;
    connected.map_err(|_| Fault::connection("the database did not answer in time"))?.map_err(Fault::from)
}
