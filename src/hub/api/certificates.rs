//! `/certificates`: authorities that vouch for devices (protocol reference 1.5), in the form of Azure's certificate
//! resource.

use axum::{
    Router,
    extract::State,
    http::{StatusCode, Uri},
    response::Response,
    routing::{delete, get, post, put},
};
use serde::Deserialize;

use super::{
    super::{auth::Action, failure::Failure, ports::Links, store::Store},
    Api,
    answer::{Refused, json_with_etag, serialized},
    input::{Content, Precondition, segment},
    needs,
    openapi::{self, Operation},
};
use crate::iothub::{CertificateList, CertificateResource, ErrorCode};

pub(super) const OPERATIONS: &[Operation] = &[
    openapi::get("/certificates", "listCertificates", "The authorities that vouch for devices")
        .answers("CertificateList"),
    openapi::get("/certificates/{name}", "getCertificate", "One authority").answers("CertificateResource").etag(),
    openapi::put("/certificates/{name}", "putCertificate", "Creates or replaces an authority")
        .takes("CertificateResource")
        .if_match()
        .answers("CertificateResource")
        .etag(),
    openapi::delete("/certificates/{name}", "deleteCertificate", "Deletes an authority").if_match().status(204),
    openapi::post(
        "/certificates/{name}/generateVerificationCode",
        "startProof",
        "Makes the code that a proof of possession carries",
    )
    .answers("CertificateResource")
    .etag(),
    openapi::post("/certificates/{name}/verify", "finishProof", "Takes the proof of possession")
        .takes("CertificateProof")
        .answers("CertificateResource")
        .etag(),
];

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>(api: &Api<S, L>) -> Router<Api<S, L>> {
    let one = needs(api, Action::ReadDevices, get(read))
        .merge(needs(api, Action::WriteDevices, put(write)))
        .merge(needs(api, Action::DeleteDevices, delete(remove)));
    Router::new()
        .route("/certificates", needs(api, Action::ReadDevices, get(list)))
        .route("/certificates/{name}", one)
        .route("/certificates/{name}/generateVerificationCode", needs(api, Action::WriteDevices, post(start_proof)))
        .route("/certificates/{name}/verify", needs(api, Action::WriteDevices, post(finish_proof)))
}

async fn list<S: Store, L: Links>(State(api): State<Api<S, L>>) -> Result<Response, Refused> {
    serialized(&CertificateList { value: api.core.certificates().await? })
}

async fn read<S: Store, L: Links>(State(api): State<Api<S, L>>, uri: Uri) -> Result<Response, Refused> {
    answered(&api.core.certificate(&segment(&uri, 2)?).await?)
}

async fn write<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Precondition(if_match): Precondition,
    uri: Uri,
    content: Content,
) -> Result<Response, Refused> {
    let (name, body): (_, CertificateResource) = (segment(&uri, 2)?.into_owned(), content.object()?);
    let core = api.core.clone();
    answered(&api.write(async move { core.put_certificate(&name, body, if_match.as_ref()).await }).await?)
}

async fn remove<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    Precondition(if_match): Precondition,
    uri: Uri,
) -> Result<StatusCode, Refused> {
    let (name, core) = (segment(&uri, 2)?.into_owned(), api.core.clone());
    api.write(async move { core.delete_certificate(&name, if_match.as_ref()).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn start_proof<S: Store, L: Links>(State(api): State<Api<S, L>>, uri: Uri) -> Result<Response, Refused> {
    let (name, core) = (segment(&uri, 2)?.into_owned(), api.core.clone());
    answered(&api.write(async move { core.start_proof(&name).await }).await?)
}

#[derive(Deserialize)]
struct Proof {
    certificate: String,
}

async fn finish_proof<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    uri: Uri,
    content: Content,
) -> Result<Response, Refused> {
    let (name, Proof { certificate }) = (segment(&uri, 2)?.into_owned(), content.object()?);
    let core = api.core.clone();
    answered(&api.write(async move { core.finish_proof(&name, &certificate).await }).await?)
}

fn answered(certificate: &CertificateResource) -> Result<Response, Refused> {
    let text = serde_json::to_string(certificate)
        .map_err(|error| Failure::new(ErrorCode::ServerError, format!("the answer cannot be written: {error}")))?;
    Ok(json_with_etag(text, &certificate.etag))
}
