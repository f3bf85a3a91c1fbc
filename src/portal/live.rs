//! Tells browsers that the numbers have moved, by server-sent events. What they are is read from the page again.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream;

use super::{Portal, gate::Visitor};

/// How often something is sent all the same, so that nothing between us thinks that the link is dead.
const ALIVE: Duration = Duration::from_secs(20);

/// `GET /live`.
pub(super) async fn live(State(portal): State<Arc<Portal>>, _: Visitor) -> Response {
    let moves = stream::unfold(portal.model.subscribe(), |mut moves| async move {
        moves.changed().await.ok()?;
        let taken = moves.borrow_and_update().as_ref().map(|model| model.taken.to_string()).unwrap_or_default();
        Some((Ok::<_, Infallible>(Event::default().event("moved").data(taken)), moves))
    });
    Sse::new(moves).keep_alive(KeepAlive::new().interval(ALIVE)).into_response()
}
