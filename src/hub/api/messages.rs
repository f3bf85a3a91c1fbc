//! Messages to devices from the service's side: sending, purging, feedback (protocol reference 10, 11.4).
//!
//! Sending over REST is this hub's own: the protocol knows it over AMQP only. The request is the mirror of what a
//! device receives over HTTPS: `POST /devices/{id}/messages/deviceBound` with the payload as body, `iothub-app-{key}`
//! for properties, `iothub-messageid`, `iothub-correlationid`, `iothub-userid`, `iothub-contenttype`,
//! `iothub-contentencoding`, `iothub-ack` and `iothub-expiry`.

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::{delete, get, post},
};
use serde_json::json;

use super::{
    super::{
        auth::Action,
        core::{Message, Settlement},
        ports::Links,
        store::Store,
        time,
    },
    Api,
    answer::{self, Refused},
    input::{Content, Id, Segment},
    message_headers, needs,
    openapi::{self, Operation},
};
use crate::iothub::ETag;

pub(super) const OPERATIONS: &[Operation] = &[
    openapi::post(
        "/devices/{id}/messages/deviceBound",
        "sendMessage",
        "Queues a message for a device; further properties are headers iothub-app-…",
    )
    .with(&[
        openapi::header("iothub-messageid", "Its id"),
        openapi::header("iothub-correlationid", "What it answers"),
        openapi::header("iothub-userid", "Who sends it"),
        openapi::header("iothub-contenttype", "What the payload is"),
        openapi::header("iothub-contentencoding", "How it is encoded"),
        openapi::header("iothub-ack", "none, positive, negative or full"),
        openapi::header("iothub-expiry", "When it ends"),
    ])
    .takes("Bytes")
    .answers("SentMessage"),
    openapi::delete("/devices/{id}/commands", "purgeMessages", "Drops all messages queued for a device")
        .answers("PurgedMessages"),
    openapi::get("/messages/serviceBound/feedback", "receiveFeedback", "Holds the next feedback; 204 if there is none")
        .answers("[Feedback]")
        .content("application/vnd.microsoft.iothub.feedback.json")
        .or_nothing()
        .etag(),
    openapi::delete("/messages/serviceBound/feedback/{token}", "completeFeedback", "Completes feedback").status(204),
    openapi::post(
        "/messages/serviceBound/feedback/{token}/abandon",
        "abandonFeedback",
        "Puts feedback back into the queue",
    )
    .status(204),
];

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>(api: &Api<S, L>) -> Router<Api<S, L>> {
    let feedback = |routes| needs(api, Action::ReceiveFeedback, routes);
    Router::new()
        .route("/devices/{id}/messages/deviceBound", needs(api, Action::SendMessages, post(send)))
        .route("/devices/{id}/messages/devicebound", needs(api, Action::SendMessages, post(send)))
        .route("/devices/{id}/commands", needs(api, Action::PurgeMessages, delete(purge)))
        .route("/messages/serviceBound/feedback", feedback(get(receive)))
        .route("/messages/serviceBound/feedback/{token}", feedback(delete(complete)))
        .route("/messages/serviceBound/feedback/{token}/abandon", feedback(post(abandon)))
}

async fn send<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Id(id): Id,
    headers: HeaderMap,
    Content(payload): Content,
) -> Result<Response, Refused> {
    let message = Message {
        properties: message_headers::properties(&headers),
        payload,
        ack: message_headers::ack(&headers)?,
        expires: message_headers::expiry(&headers)?,
    };
    let core = api.core.clone();
    let sent = api.write(async move { core.send_message(&id, message).await }).await?;
    let body = json!({
        "messageId": sent.message_id, "sequenceNumber": sent.sequence, "expiryTimeUtc": time::text(sent.expires),
    });
    Ok(answer::json(body.to_string()))
}

async fn purge<S: Store, L: Links>(State(api): State<Api<S, L>>, Id(id): Id) -> Result<Response, Refused> {
    let (core, device) = (api.core.clone(), id.clone());
    let purged = api.write(async move { core.purge_messages(&device).await }).await?;
    let body = json!({ "totalMessagesPurged": purged, "deviceId": id.as_str(), "moduleId": null });
    Ok(answer::json(body.to_string()))
}

async fn receive<S: Store, L: Links>(State(api): State<Api<S, L>>) -> Result<Response, Refused> {
    let core = api.core.clone();
    let feedback = api.write(async move { core.receive_feedback().await }).await?;
    Ok(feedback
        .map_or_else(|| StatusCode::NO_CONTENT.into_response(), |feedback| message_headers::answer(feedback, None)))
}

async fn complete<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Segment(token): Segment<4>,
) -> Result<StatusCode, Refused> {
    settle(&api, &token, Settlement::Complete).await
}

async fn abandon<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Segment(token): Segment<4>,
) -> Result<StatusCode, Refused> {
    settle(&api, &token, Settlement::Abandon).await
}

async fn settle<S: Store, L: Links>(api: &Api<S, L>, token: &str, how: Settlement) -> Result<StatusCode, Refused> {
    let (core, token) = (api.core.clone(), ETag::parse(token));
    api.write(async move { core.settle_feedback(token.as_str(), how).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}
