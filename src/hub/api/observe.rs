//! Every request has an id, is timed and counted, and leaves a line in the log. No query string and no header ever
//! gets there: tokens may be in them.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use tracing::{Instrument as _, Span, debug, field::Empty, info_span, warn};

use super::{
    super::{ports::Links, store::Store},
    Api,
    input::header,
};

/// What stands for the route of a request that has none.
const NO_ROUTE: &str = "none";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
/// Longest id of a client that is worth remembering.
const LONGEST: usize = 128;

tokio::task_local! {
    /// The id of the request that this task answers.
    static ID: String;
}

/// The id of the request that is being answered; a new one where there is none.
pub(super) fn request_id() -> String {
    ID.try_with(Clone::clone).unwrap_or_else(|_| new_id())
}

fn new_id() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// Answers one request under the eyes of log and meter.
pub(super) async fn observe<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let id = new_id();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let method = request.method().clone();
    let span = info_span!("request", %id, %method, route, client = Empty);
    remember_client(&span, request.headers());
    let mut response = ID.scope(id.clone(), next.run(request)).instrument(span.clone()).await;
    let (status, took) = (response.status(), begun.elapsed());
    api.core.meter().request(method.as_str(), route, status.as_u16(), took);
    span.in_scope(|| {
        if status.is_server_error() {
            warn!(status = status.as_u16(), ?took, "a request could not be carried out");
        } else {
            debug!(status = status.as_u16(), ?took, "a request was answered");
        }
    });
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// What the client calls its request, so that two logs can be laid side by side.
fn remember_client(span: &Span, headers: &HeaderMap) {
    let given = ["traceparent", "request-id"].into_iter().find_map(|name| header(headers, name));
    if let Some(given) = given.filter(|given| is_sane(given)) {
        span.record("client", given);
    }
}

fn is_sane(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.|:".contains(&byte);
    !id.is_empty() && id.len() <= LONGEST && id.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_a_client_is_short_and_plain() {
        assert!(is_sane("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01") && is_sane("|a.1_2:3"));
        for wild in ["", "a b", "a\u{1b}[2J", "SharedAccessSignature sr=x&sig=y", &"x".repeat(129)] {
            assert!(!is_sane(wild), "{wild}");
        }
    }
}
