//! `/jobs/v2`: scheduled jobs (protocol reference 9.1).

use axum::{
    Router,
    extract::{FromRequestParts, State},
    http::{HeaderMap, HeaderValue, Uri, request::Parts},
    response::Response,
    routing::{get, post, put},
};
use percent_encoding::percent_decode_str;

use super::{
    super::{auth::Action, core::JobFilter, failure::Failure, ports::Links, store::Store},
    Api,
    answer::{Refused, json},
    input::{Content, header, parameter},
    needs,
    queries::{CONTINUATION, ITEM_TYPE, PAGE_SIZE, page_size},
};

/// What is said of a job that is not there: no error.
const UNKNOWN: &str = r#"{"type":"unknown","status":"unknown"}"#;

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>(api: &Api<S, L>) -> Router<Api<S, L>> {
    let job = needs(api, Action::ReadJobs, get(read)).merge(needs(api, Action::WriteJobs, put(create)));
    Router::new()
        .route("/jobs/v2/{id}", job)
        .route("/jobs/v2/{id}/cancel", needs(api, Action::DeleteJobs, post(cancel)))
        .route("/jobs/v2/query", needs(api, Action::ReadJobs, get(list)))
}

/// The job that the third segment of the path names, decoded once.
struct JobId(String);

impl<S: Send + Sync> FromRequestParts<S> for JobId {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let segment = parts.uri.path().split('/').nth(3).unwrap_or_default();
        let id = percent_decode_str(segment).decode_utf8();
        Ok(id.map(|id| Self(id.into_owned())).map_err(|_| Failure::invalid("the job's id in the path is no UTF-8"))?)
    }
}

async fn create<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    JobId(id): JobId,
    Content(body): Content,
) -> Result<Response, Refused> {
    let core = api.core.clone();
    Ok(json(api.write(async move { core.create_job(&id, &body).await }).await?))
}

async fn read<S: Store, L: Links>(State(api): State<Api<S, L>>, JobId(id): JobId) -> Result<Response, Refused> {
    Ok(json(api.core.job(&id).await?.unwrap_or_else(|| UNKNOWN.to_owned())))
}

async fn cancel<S: Store, L: Links>(State(api): State<Api<S, L>>, JobId(id): JobId) -> Result<Response, Refused> {
    let core = api.core.clone();
    Ok(json(api.write(async move { core.cancel_job(&id).await }).await?))
}

/// A bare array, as the service answers in truth and Node reads it.
async fn list<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let filter = JobFilter::parse(parameter(&uri, "jobType").as_deref(), parameter(&uri, "jobStatus").as_deref())?;
    let size = page_size(header(&headers, PAGE_SIZE))?;
    let token = header(&headers, CONTINUATION.as_str()).filter(|token| !token.is_empty());
    let page = api.core.jobs(filter, size, token).await?;
    let mut response = json(page.body);
    let headers = response.headers_mut();
    headers.insert(ITEM_TYPE, HeaderValue::from_static("JobResponse"));
    let continuation = page.continuation.and_then(|token| HeaderValue::try_from(token).ok());
    continuation.and_then(|token| headers.insert(CONTINUATION, token));
    Ok(response)
}
