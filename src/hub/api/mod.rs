//! The REST side (protocol reference 2): from requests to the core and back. Nothing else knows HTTP's words.
//!
//! * [`router`] puts together the routes of the handlers' files; `admit` checks version and credentials before a
//!   handler is reached.
//! * `input` takes requests apart, `answer` puts answers together, errors included.
//! * All others are the handlers' files.
//! * [`serve`] runs it on one connection.

mod admit;
mod answer;
mod bulk;
mod busy;
mod configurations;
mod digital;
mod identities;
mod input;
mod jobs;
mod modules;
mod queries;
mod serve;
mod statistics;
#[cfg(test)]
mod tests;
mod transfers;
mod twins;

use std::sync::Arc;

use axum::{
    Router,
    middleware::{from_fn_with_state, map_response},
    routing::MethodRouter,
};
pub(crate) use serve::Server;
use tokio_util::task::TaskTracker;

use super::{auth::Action, core::Core, failure::Failure, ports::Links, store::Store};
use crate::iothub::ErrorCode;

/// What every handler is given.
pub(crate) struct Api<S, L> {
    core: Arc<Core<S, L>>,
    /// Writes go on when their client hangs up: what is stored must also be told.
    writes: TaskTracker,
}

impl<S, L> Clone for Api<S, L> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core), writes: self.writes.clone() }
    }
}

impl<S: Store, L: Links> Api<S, L> {
    /// Over a core; `writes` can be waited for before the core is closed.
    pub(crate) const fn new(core: Arc<Core<S, L>>, writes: TaskTracker) -> Self {
        Self { core, writes }
    }

    /// Carries a write out to its end, whatever becomes of whoever asked for it.
    async fn write<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        self.writes.spawn(work).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a write broke off");
            Err(Failure::new(ErrorCode::ServerError, "the hub broke off this request"))
        })
    }
}

/// Routes that are reached only by whoever may do `action`.
fn needs<S: Store, L: Links>(
    api: &Api<S, L>,
    action: Action,
    routes: MethodRouter<Api<S, L>>,
) -> MethodRouter<Api<S, L>> {
    routes.route_layer(from_fn_with_state((api.clone(), action), admit::admit::<S, L>))
}

/// All routes (protocol reference 2.3).
pub(crate) fn router<S: Store, L: Links>(api: &Api<S, L>) -> Router {
    Router::new()
        .merge(configurations::routes(api))
        .merge(identities::routes(api))
        .merge(modules::routes(api))
        .merge(bulk::routes(api))
        .merge(twins::routes(api))
        .merge(queries::routes(api))
        .merge(statistics::routes(api))
        .merge(jobs::routes(api))
        .merge(transfers::routes(api))
        .merge(digital::routes(api))
        .fallback(answer::no_route)
        .method_not_allowed_fallback(answer::no_method)
        .with_state(api.clone())
        .layer(map_response(answer::complete))
}
