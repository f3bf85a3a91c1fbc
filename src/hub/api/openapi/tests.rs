//! The router and the document say the same.

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use tower::ServiceExt as _;

use super::*;
use crate::hub::api::tests::Hub;

/// The paths that a router has, from what it tells of itself for debugging: there is no other way to ask.
fn paths(router: &Router) -> BTreeSet<String> {
    let text = format!("{router:?}");
    let of_route = |rest: &str| Some(rest.split_once("): \"")?.1.split_once('"')?.0.to_owned());
    let paths = text.split("RouteId(").filter(|rest| rest.contains("): \"/")).filter_map(of_route);
    paths.filter(|path| path.starts_with('/') && !path.contains("__private")).collect()
}

/// All that is served: methods and paths.
async fn served(router: &Router) -> BTreeSet<(String, &'static str)> {
    let mut served = BTreeSet::new();
    for path in paths(router) {
        let uri: String = path.split(['{', '}']).map(|part| part.trim_start_matches('*')).collect();
        for method in ["GET", "PUT", "POST", "PATCH", "DELETE"] {
            let request = Request::builder().method(method).uri(&uri).body(Body::empty()).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap();
            let code = answer.headers().get("iothub-errorcode").map(axum::http::HeaderValue::as_bytes);
            let is_fallback = answer.status() == StatusCode::NOT_FOUND && code == Some(b"GenericNotFound");
            if answer.status() != StatusCode::METHOD_NOT_ALLOWED && !is_fallback {
                served.insert((path.clone(), method));
            }
        }
    }
    served
}

#[tokio::test]
async fn every_route_is_described_and_everything_described_is_served() {
    let hub = Hub::new();
    let served = served(&hub.router).await;
    assert!(served.len() > 15, "{served:?}");
    let described: BTreeSet<_> = ALL.iter().copied().flatten().map(|one| (one.route.to_owned(), one.method)).collect();
    let gone: Vec<_> = described.difference(&served).collect();
    let is_alias = |(path, method): &(String, &'static str)| {
        let of = ALIASES.iter().filter(|(alias, _)| alias == path);
        of.into_iter().any(|(_, path)| described.contains(&((*path).to_owned(), method)))
    };
    let missing: Vec<_> = served.difference(&described).filter(|route| !is_alias(route)).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not described: {missing:?}; no longer served: {gone:?}; mend OPERATIONS beside the routes"
    );
}

#[test]
fn names_are_used_once_and_schemas_are_there() {
    let (mut ids, schemas) = (BTreeSet::new(), schemas::all());
    for operation in ALL.iter().copied().flatten() {
        assert!(ids.insert(operation.id), "{} twice", operation.id);
        for name in operation.body.into_iter().chain(operation.answer) {
            assert!(schemas.get(name.trim_matches(['[', ']'])).is_some(), "{name} of {}", operation.id);
        }
    }
}

#[test]
fn the_document_checked_in_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    if std::env::var_os("TWINOPS_BLESS").is_some() {
        std::fs::write(&path, text()).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text(),
        "docs/openapi.json is stale; mend it: cargo run -- docs --openapi --write docs/openapi.json"
    );
}
