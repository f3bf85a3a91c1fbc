//! The REST side (protocol reference 2): from requests to the core and back. Nothing else knows HTTP's words.
//!
//! * [`router`] puts together the routes of the handlers' files; `admit` checks version and credentials before a
//!   handler is reached.
//! * `input` takes requests apart, `answer` puts answers together, errors included.
//! * All others are the handlers' files; `dps` is the provisioning service, which has an envelope of its own.
//! * `messages` sends to devices; `device` is what devices themselves do over HTTPS, with `message_headers` for both;
//!   `websocket` hands a connection to whoever speaks MQTT.
//! * `observe` gives each request its id, times and counts it; `metrics` shows the counts.
//! * `openapi` describes the routes: each file of handlers says what its own are.
//! * [`serve`] runs it on one connection; `busy` knows whether that has anything to do, and `rest` reads what is left of
//!   bodies.

mod admit;
mod answer;
mod bulk;
mod busy;
mod certificates;
mod configurations;
mod device;
mod digital;
mod dps;
mod identities;
mod input;
mod jobs;
mod message_headers;
mod messages;
mod metrics;
mod modules;
mod observe;
mod openapi;
mod queries;
mod rest;
mod serve;
mod statistics;
#[cfg(test)]
mod tests;
mod transfers;
mod twins;
mod websocket;

use std::sync::Arc;

use axum::{Router, middleware::from_fn_with_state, routing::MethodRouter};
pub(crate) use metrics::open_router;
pub use openapi::text as openapi;
pub(crate) use serve::Server;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::{
    auth::Action,
    core::Core,
    failure::Failure,
    guard::Guard,
    ports::{Links, PeerAddress},
    store::Store,
};
use crate::iothub::ErrorCode;

/// What every handler is given.
pub(crate) struct Api<S, L> {
    core: Arc<Core<S, L>>,
    /// Writes go on when their client hangs up: what is stored must also be told.
    writes: TaskTracker,
    guard: Option<Arc<Guard>>,
}

impl<S, L> Clone for Api<S, L> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core), writes: self.writes.clone(), guard: self.guard.clone() }
    }
}

impl<S: Store, L: Links> Api<S, L> {
    /// Over a core; `writes` can be waited for before the core is closed.
    pub(crate) const fn new(core: Arc<Core<S, L>>, writes: TaskTracker) -> Self {
        Self { core, writes, guard: None }
    }

    /// Turns away those whom `guard` bars, and tells it of failed attempts.
    #[must_use]
    pub(crate) fn guarded(self, guard: Arc<Guard>) -> Self {
        Self { guard: Some(guard), ..self }
    }

    /// Whoever asks failed to prove who they are.
    fn failed(&self, peer: Option<&PeerAddress>) {
        if let (Some(guard), Some(PeerAddress(address))) = (&self.guard, peer) {
            guard.failed(address.ip());
        }
    }

    /// Carries a write out to its end, whatever becomes of whoever asked for it.
    async fn write<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        self.writes.spawn(work.instrument(tracing::Span::current())).await.unwrap_or_else(|error| {
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
        .merge(messages::routes(api))
        .merge(device::routes())
        .merge(websocket::routes())
        .merge(certificates::routes(api))
        .merge(dps::routes(api))
        .merge(metrics::routes(api))
        .merge(openapi::routes())
        .fallback(answer::no_route)
        .method_not_allowed_fallback(answer::no_method)
        .with_state(api.clone())
        .layer(from_fn_with_state(api.clone(), admit::turn_away::<S, L>))
        .layer(from_fn_with_state(api.clone(), observe::observe::<S, L>))
}
