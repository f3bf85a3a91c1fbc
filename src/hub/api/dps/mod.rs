//! The provisioning service over REST (protocol reference 13.2, 13.3), with errors in an envelope of its own.
//!
//! * `enrollments` and `registrations` are for operators, `device` for devices that register.

mod device;
mod enrollments;
mod registrations;
#[cfg(test)]
mod tests;

use axum::{
    Router,
    extract::{FromRequestParts, Request, State},
    http::{HeaderValue, Uri, header::RETRY_AFTER, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::MethodRouter,
};

use super::{
    super::{auth::Action, core::Listing, failure::Failure, ports::Links, store::Store},
    Api,
    admit::admit,
    answer::{Refused, json},
    input::segment,
    queries::{CONTINUATION, ITEM_TYPE},
};
use crate::iothub::{Envelope, RegistrationId};

/// When somebody who was throttled is to try again, in seconds.
const THROTTLED: HeaderValue = HeaderValue::from_static("10");

/// This folder's routes.
pub(super) fn routes<S: Store, L: Links>(api: &Api<S, L>) -> Router<Api<S, L>> {
    Router::new().merge(enrollments::routes(api)).merge(registrations::routes(api)).merge(device::routes())
}

/// Routes that are reached only by whoever may do `action`.
fn needs<S: Store, L: Links>(
    api: &Api<S, L>,
    action: Action,
    routes: MethodRouter<Api<S, L>>,
) -> MethodRouter<Api<S, L>> {
    routes.route_layer(from_fn_with_state((api.clone(), action), admit_here::<S, L>))
}

async fn admit_here<S: Store, L: Links>(
    state: State<(Api<S, L>, Action)>,
    request: Request,
    next: Next,
) -> Result<Response, Declined> {
    admit(state, request, next).await.map_err(|Refused(failure, _)| Declined(failure))
}

/// A request that failed, in the service's envelope.
#[derive(Debug)]
struct Declined(Failure);

impl From<Failure> for Declined {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl From<Refused> for Declined {
    fn from(Refused(failure, _): Refused) -> Self {
        Self(failure)
    }
}

impl IntoResponse for Declined {
    fn into_response(self) -> Response {
        let is_throttled = self.0.code.status() == 429;
        let mut response = Refused(self.0, Envelope::Flat).into_response();
        if is_throttled {
            response.headers_mut().insert(RETRY_AFTER, THROTTLED);
        }
        response
    }
}

/// The name that the second segment of the path is.
struct Name(RegistrationId);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Declined;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Declined> {
        Ok(Self(name(&parts.uri, 2)?))
    }
}

/// A segment of the path as a name.
fn name(uri: &Uri, at: usize) -> Result<RegistrationId, Failure> {
    let text = segment(uri, at)?;
    RegistrationId::new(&text).map_err(|error| Failure::invalid(error.to_string()))
}

/// A page of a list.
fn page(listing: Listing, item_type: &'static str) -> Response {
    let mut response = json(listing.body);
    let headers = response.headers_mut();
    headers.insert(ITEM_TYPE, HeaderValue::from_static(item_type));
    // The last page must not have the header at all: its presence alone makes clients ask again.
    if let Some(token) = listing.continuation.and_then(|token| HeaderValue::try_from(token).ok()) {
        headers.insert(CONTINUATION, token);
    }
    response
}
