//! `/jobs/v2`: scheduled jobs (protocol reference 9.1).

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, Uri},
    response::Response,
    routing::{get, post, put},
};

use super::{
    super::{auth::Action, core::JobFilter, ports::Links, store::Store},
    Api,
    answer::{Refused, json},
    input::{Content, Segment, header, parameter},
    needs,
    openapi::{self, Operation},
    queries::{CONTINUATION, ITEM_TYPE, PAGE_SIZE, page_size},
};

/// What is said of a job that is not there: no error.
const UNKNOWN: &str = r#"{"type":"unknown","status":"unknown"}"#;

pub(super) const OPERATIONS: &[Operation] = &[
    openapi::get("/jobs/v2/{id}", "getJob", "One job; one that is not there has the status unknown").answers("AnyJob"),
    openapi::put("/jobs/v2/{id}", "createJob", "Schedules a job").takes("JobRequest").answers("Job"),
    openapi::post("/jobs/v2/{id}/cancel", "cancelJob", "Cancels a job").answers("Job"),
    openapi::get("/jobs/v2/query", "listJobs", "A page of jobs; x-ms-continuation leads to the next one")
        .with(&[
            openapi::query("jobType", "Only jobs of this type"),
            openapi::query("jobStatus", "Only jobs of this status"),
            openapi::header(PAGE_SIZE, "Rows of a page, 100 unless said otherwise and at most 1000"),
            openapi::header("x-ms-continuation", "The header of the page before"),
        ])
        .answers("[Job]"),
];

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>(api: &Api<S, L>) -> Router<Api<S, L>> {
    let job = needs(api, Action::ReadJobs, get(read)).merge(needs(api, Action::WriteJobs, put(create)));
    Router::new()
        .route("/jobs/v2/{id}", job)
        .route("/jobs/v2/{id}/cancel", needs(api, Action::DeleteJobs, post(cancel)))
        .route("/jobs/v2/query", needs(api, Action::ReadJobs, get(list)))
}

async fn create<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Segment(id): Segment<3>,
    Content(body): Content,
) -> Result<Response, Refused> {
    let core = api.core.clone();
    Ok(json(api.write(async move { core.create_job(&id, &body).await }).await?))
}

async fn read<S: Store, L: Links>(State(api): State<Api<S, L>>, Segment(id): Segment<3>) -> Result<Response, Refused> {
    Ok(json(api.core.job(&id).await?.unwrap_or_else(|| UNKNOWN.to_owned())))
}

async fn cancel<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Segment(id): Segment<3>,
) -> Result<Response, Refused> {
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
