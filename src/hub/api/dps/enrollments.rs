//! `/enrollments` and `/enrollmentGroups` (protocol reference 13.3).

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::{MethodRouter, delete, get, post, put},
};
use serde::Deserialize;

use super::{
    super::{
        super::{
            auth::Action,
            core::BulkEnrollment,
            dps::{Breed, Enrollment},
            ports::Links,
            store::Store,
        },
        Api,
        answer::{json, json_with_etag, serialized},
        input::{Content, Precondition, header},
        openapi::{self, Operation},
        queries::{CONTINUATION, PAGE_SIZE, page_size},
    },
    Declined, Name, needs, page,
};

type Answer = Result<Response, Declined>;

#[derive(Deserialize)]
struct Query {
    query: String,
}

const PAGES: &[openapi::Parameter] = &[
    openapi::header(PAGE_SIZE, "Rows of a page, 100 unless said otherwise and at most 1000"),
    openapi::header("x-ms-continuation", "The header of the page before"),
];

pub(in super::super) const OPERATIONS: &[Operation] = &[
    openapi::post("/enrollments", "bulkEnrollments", "Writes up to 100 enrolments")
        .takes("BulkEnrollment")
        .answers("BulkEnrollmentResult")
        .provisioning(),
    openapi::post(
        "/enrollments/query",
        "queryEnrollments",
        "A page of enrolments; x-ms-continuation leads to the next one",
    )
    .with(PAGES)
    .takes("Query")
    .answers("[Enrollment]")
    .provisioning(),
    openapi::get("/enrollments/{id}", "getEnrollment", "One enrolment, without keys")
        .answers("Enrollment")
        .etag()
        .provisioning(),
    openapi::put("/enrollments/{id}", "putEnrollment", "Creates or replaces an enrolment")
        .takes("Enrollment")
        .if_match()
        .answers("Enrollment")
        .etag()
        .provisioning(),
    openapi::delete("/enrollments/{id}", "deleteEnrollment", "Deletes an enrolment")
        .if_match()
        .status(204)
        .provisioning(),
    openapi::post(
        "/enrollments/{id}/attestationmechanism",
        "getEnrollmentAttestation",
        "How its devices prove themselves, keys included",
    )
    .answers("Attestation")
    .provisioning(),
    openapi::post(
        "/enrollmentGroups/query",
        "queryEnrollmentGroups",
        "A page of enrolment groups; x-ms-continuation leads to the next one",
    )
    .with(PAGES)
    .takes("Query")
    .answers("[Enrollment]")
    .provisioning(),
    openapi::get("/enrollmentGroups/{id}", "getEnrollmentGroup", "One enrolment group, without keys")
        .answers("Enrollment")
        .etag()
        .provisioning(),
    openapi::put("/enrollmentGroups/{id}", "putEnrollmentGroup", "Creates or replaces an enrolment group")
        .takes("Enrollment")
        .if_match()
        .answers("Enrollment")
        .etag()
        .provisioning(),
    openapi::delete("/enrollmentGroups/{id}", "deleteEnrollmentGroup", "Deletes an enrolment group")
        .if_match()
        .status(204)
        .provisioning(),
    openapi::post(
        "/enrollmentGroups/{id}/attestationmechanism",
        "getEnrollmentGroupAttestation",
        "How its devices prove themselves, keys included",
    )
    .answers("Attestation")
    .provisioning(),
];

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>(api: &Api<S, L>) -> Router<Api<S, L>> {
    let one = |breed| enrollment(api, breed);
    let queried = |breed| {
        let query = post(move |State(api): State<Api<S, L>>, headers: HeaderMap, content: Content| {
            query(api, breed, headers, content)
        });
        needs(api, Action::ReadEnrollments, query)
    };
    // An enrolment may be called `query`.
    let query_of = |breed| queried(breed).merge(one(breed));
    Router::new()
        .route("/enrollments", needs(api, Action::WriteEnrollments, post(bulk)))
        .route("/enrollments/", needs(api, Action::WriteEnrollments, post(bulk)))
        .route("/enrollments/query", query_of(Breed::Individual))
        .route("/enrollments/{id}", one(Breed::Individual))
        .route("/enrollments/{id}/attestationmechanism", mechanism(api, Breed::Individual))
        .route("/enrollmentGroups/query", query_of(Breed::Group))
        .route("/enrollmentGroups/{id}", one(Breed::Group))
        .route("/enrollmentGroups/{id}/attestationmechanism", mechanism(api, Breed::Group))
        // As the Node SDK spells it.
        .route("/enrollmentgroups/{id}/attestationmechanism", mechanism(api, Breed::Group))
}

fn enrollment<S: Store, L: Links>(api: &Api<S, L>, breed: Breed) -> MethodRouter<Api<S, L>> {
    let read = get(move |State(api): State<Api<S, L>>, Name(id): Name| async move {
        Ok::<_, Declined>(answer(&api.core.enrollment(breed, &id).await?.shown()))
    });
    let write = put(move |State(api): State<Api<S, L>>, name: Name, precondition: Precondition, content: Content| {
        write(api, breed, name, precondition, content)
    });
    let remove = delete(move |State(api): State<Api<S, L>>, name: Name, precondition: Precondition| {
        remove(api, breed, name, precondition)
    });
    needs(api, Action::ReadEnrollments, read).merge(needs(api, Action::WriteEnrollments, write.merge(remove)))
}

/// How devices prove themselves, keys included: for whoever may write them.
fn mechanism<S: Store, L: Links>(api: &Api<S, L>, breed: Breed) -> MethodRouter<Api<S, L>> {
    let show = post(move |State(api): State<Api<S, L>>, Name(id): Name| async move {
        Ok::<_, Declined>(json(api.core.enrollment(breed, &id).await?.mechanism()))
    });
    needs(api, Action::WriteEnrollments, show)
}

async fn write<S: Store, L: Links>(
    api: Api<S, L>,
    breed: Breed,
    Name(id): Name,
    Precondition(if_match): Precondition,
    content: Content,
) -> Answer {
    let body: Enrollment = content.object()?;
    let core = api.core.clone();
    let write = async move { core.put_enrollment(breed, &id, body, if_match.as_ref()).await };
    Ok(answer(&api.write(write).await?))
}

async fn remove<S: Store, L: Links>(
    api: Api<S, L>,
    breed: Breed,
    Name(id): Name,
    Precondition(if_match): Precondition,
) -> Result<StatusCode, Declined> {
    let core = api.core.clone();
    api.write(async move { core.delete_enrollment(breed, &id, if_match.as_ref()).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn bulk<S: Store, L: Links>(State(api): State<Api<S, L>>, content: Content) -> Answer {
    let body: BulkEnrollment = content.object()?;
    let core = api.core.clone();
    Ok(serialized(&api.write(async move { core.bulk_enroll(body).await }).await?)?)
}

async fn query<S: Store, L: Links>(api: Api<S, L>, breed: Breed, headers: HeaderMap, content: Content) -> Answer {
    let Query { query } = content.object()?;
    let size = page_size(header(&headers, PAGE_SIZE))?;
    let token = header(&headers, CONTINUATION.as_str()).filter(|token| !token.is_empty());
    let listing = api.core.enrollments(breed, &query, size, token).await?;
    Ok(page(listing, if breed == Breed::Group { "enrollmentGroup" } else { "enrollment" }))
}

fn answer(enrollment: &Enrollment) -> Response {
    json_with_etag(enrollment.text(), &enrollment.etag)
}
