//! What is checked before a handler is reached: the version, then who it is and what they may.

use std::net::SocketAddr;

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Version,
        header::{AUTHORIZATION, CONNECTION},
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::{
    super::{
        auth::{Action, BearerError, Denial},
        failure::Failure,
        ports::{Links, PeerAddress},
        store::Store,
        time,
    },
    Api,
    answer::Refused,
    input::parameter,
};
use crate::iothub::ErrorCode;

/// The versions of the API that are answered, all in the same way (protocol reference 2.2).
const VERSIONS: std::ops::RangeInclusive<&str> = "2016-11-14"..="2024-03-31";

/// What is no part of the protocol, and therefore has no version.
const UNVERSIONED: [&str; 1] = ["/metrics"];

/// Where proxies say for whom they ask.
const FORWARDED: &str = "x-forwarded-for";

/// Lets a request through to its handler if it has the right version, and credentials that permit `action`.
pub(super) async fn admit<S: Store, L: Links>(
    State((api, action)): State<(Api<S, L>, Action)>,
    request: Request,
    next: Next,
) -> Result<Response, Refused> {
    if !UNVERSIONED.contains(&request.uri().path()) {
        check_version(parameter(request.uri(), "api-version").as_deref())?;
    }
    let now = time::seconds(time::now());
    if let Err(denial) = api.core.authority().admit(token(request.headers()), action, now).await {
        if denial.is_failed_attempt() {
            api.failed(request.extensions().get());
        }
        tracing::info!(method = %request.method(), path = request.uri().path(), reason = %denial, "a request was denied");
        return Err(refuse(&api, &denial));
    }
    Ok(next.run(request).await)
}

/// Whether whoever was let in by this header may do something else besides.
pub(super) async fn permits<S: Store, L: Links>(
    api: &Api<S, L>,
    headers: &HeaderMap,
    action: Action,
) -> Result<(), Refused> {
    let admitted = api.core.authority().admit(token(headers), action, time::seconds(time::now())).await;
    admitted.map_err(|denial| {
        tracing::info!(reason = %denial, "a part of a request was denied");
        refuse(api, &denial)
    })
}

fn token(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()
}

fn refuse<S: Store, L: Links>(api: &Api<S, L>, denial: &Denial) -> Refused {
    let failure = denied(denial);
    let is_known = failure.code == ErrorCode::IotHubUnauthorizedAccess;
    api.core.meter().refused("rest", if is_known { "permission" } else { "credentials" });
    failure.into()
}

/// Refuses whatever comes from where too many attempts failed, before it costs anything.
pub(super) async fn turn_away<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get().map(|PeerAddress(address)| *address);
    let Some((peer, guard)) = peer.zip(api.guard.as_ref()) else { return next.run(request).await };
    let lists = request.headers().get_all(FORWARDED).iter().filter_map(|list| list.to_str().ok());
    let client = guard.client(peer.ip(), &lists.collect::<Vec<_>>().join(","));
    if !guard.is_barred(client) {
        request.extensions_mut().insert(PeerAddress(SocketAddr::new(client, peer.port())));
        return next.run(request).await;
    }
    let message = "too many failed attempts from this address; check the credentials, and wait a minute";
    let mut response = Refused::from(Failure::new(ErrorCode::ThrottlingException, message)).into_response();
    if request.version() < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The client learns that it may not; why is for the log.
fn denied(denial: &Denial) -> Failure {
    match denial {
        Denial::Bearer(BearerError::NoKeys) => {
            let message = "the issuer of bearer tokens cannot be asked for its keys now; try again later";
            Failure::new(ErrorCode::ServiceUnavailable, message)
        }
        Denial::Permission { .. } | Denial::Scope | Denial::Role(_) => {
            let message = "Unauthorized: the credentials do not permit this operation";
            Failure::new(ErrorCode::IotHubUnauthorizedAccess, message)
        }
        _ => {
            let message = "Unauthorized: neither a valid shared access signature of this hub nor a bearer token of its \
                           issuer; check key, name, audience and clock";
            Failure::new(ErrorCode::IotHubUnauthorized, message)
        }
    }
}

/// Whether this version of the API is spoken here.
pub(super) fn check_version(version: Option<&str>) -> Result<(), Failure> {
    let known = version.is_some_and(|version| {
        let date = version.strip_suffix("-preview").unwrap_or(version);
        let shape = date.len() == 10
            && date
                .bytes()
                .enumerate()
                .all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
        shape && VERSIONS.contains(&date)
    });
    if known {
        return Ok(());
    }
    let message = "api-version is missing or not one of 2016-11-14 to 2024-03-31, e.g. api-version=2021-04-12";
    Err(Failure::new(ErrorCode::InvalidProtocolVersion, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_dates_within_bounds() {
        for version in ["2016-11-14", "2021-04-12", "2020-05-31-preview", "2024-03-31"] {
            assert_eq!(check_version(Some(version)), Ok(()), "{version}");
        }
        for version in ["", "2015-01-01", "2030-01-01", "2021-4-12", "2021-04-12-beta", "yyyy-mm-dd"] {
            assert!(check_version(Some(version)).is_err(), "{version}");
        }
        assert!(check_version(None).is_err());
    }
}
