//! `POST /devices/query` (protocol reference 6.1).

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue},
    response::Response,
    routing::post,
};
use serde::Deserialize;

use super::{
    super::{auth::Action, failure::Failure, ports::Links, store::Store},
    Api,
    answer::{Refused, json},
    input::{Content, header},
    needs,
    openapi::{self, Operation},
};
use crate::iothub::ErrorCode;

pub(super) const PAGE_SIZE: &str = "x-ms-max-item-count";
pub(super) const CONTINUATION: HeaderName = HeaderName::from_static("x-ms-continuation");
pub(super) const ITEM_TYPE: HeaderName = HeaderName::from_static("x-ms-item-type");
/// Rows of a page if nobody says, and at most.
const ROWS: (u64, u64) = (100, 1000);

#[derive(Deserialize)]
struct Body {
    query: String,
}

pub(super) const OPERATIONS: &[Operation] = &[openapi::post(
    "/devices/query",
    "queryTwins",
    "A page of a query's rows; x-ms-continuation leads to the next one",
)
.with(&[
    openapi::header(PAGE_SIZE, "Rows of a page, 100 unless said otherwise and at most 1000"),
    openapi::header("x-ms-continuation", "The header of the page before"),
])
.takes("Query")
.answers("[Any]")];

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>(api: &Api<S, L>) -> Router<Api<S, L>> {
    Router::new().route("/devices/query", needs(api, Action::ReadTwins, post(query)))
}

async fn query<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    headers: HeaderMap,
    content: Content,
) -> Result<Response, Refused> {
    let Body { query } = content.object()?;
    let size = page_size(header(&headers, PAGE_SIZE))?;
    let token = header(&headers, CONTINUATION.as_str()).filter(|token| !token.is_empty());
    let page = api.core.query(&query, size, token).await?;
    let mut response = json(page.body);
    let item_type = HeaderValue::try_from(page.item_type.to_string()).ok();
    let continuation = page.continuation.and_then(|token| HeaderValue::try_from(token).ok());
    let headers = response.headers_mut();
    item_type.and_then(|value| headers.insert(ITEM_TYPE, value));
    // The last page must not have the header at all: its presence alone makes clients ask again.
    continuation.and_then(|value| headers.insert(CONTINUATION, value));
    Ok(response)
}

/// How many rows a page is to have.
pub(super) fn page_size(header: Option<&str>) -> Result<u64, Failure> {
    let (usual, most) = ROWS;
    let Some(text) = header else { return Ok(usual) };
    let size = text.trim().parse::<u64>().ok().filter(|size| *size > 0);
    let message = "x-ms-max-item-count is a whole number from 1";
    Ok(size.ok_or_else(|| Failure::new(ErrorCode::DeviceInvalidResultCount, message))?.min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_hundred_rows_unless_asked_for_up_to_a_thousand() {
        assert_eq!([None, Some("7"), Some("10000")].map(page_size), [Ok(100), Ok(7), Ok(1000)]);
        for bad in ["0", "-1", "many", ""] {
            assert!(page_size(Some(bad)).is_err(), "{bad}");
        }
    }
}
