//! What is checked before a handler is reached: the version, then who it is and what they may.

use axum::{
    extract::{Request, State},
    http::header::AUTHORIZATION,
    middleware::Next,
    response::Response,
};

use super::{
    super::{auth::Action, auth::Denial, failure::Failure, ports::Links, store::Store, time},
    Api,
    answer::Refused,
    input::parameter,
};
use crate::iothub::ErrorCode;

/// The versions of the API that are answered, all in the same way (protocol reference 2.2).
const VERSIONS: std::ops::RangeInclusive<&str> = "2016-11-14"..="2024-03-31";

/// What is no part of the protocol, and therefore has no version.
const UNVERSIONED: [&str; 1] = ["/metrics"];

/// Lets a request through to its handler if it has the right version, and credentials that permit `action`.
pub(super) async fn admit<S: Store, L: Links>(
    State((api, action)): State<(Api<S, L>, Action)>,
    request: Request,
    next: Next,
) -> Result<Response, Refused> {
    if !UNVERSIONED.contains(&request.uri().path()) {
        check_version(parameter(request.uri(), "api-version").as_deref())?;
    }
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Err(denial) = api.core.authority().service(header, action, time::seconds(time::now())) {
        tracing::info!(method = %request.method(), path = request.uri().path(), reason = %denial, "a request was denied");
        let failure = denied(&denial);
        let is_known = failure.code == ErrorCode::IotHubUnauthorizedAccess;
        api.core.meter().refused("rest", if is_known { "permission" } else { "credentials" });
        return Err(failure.into());
    }
    Ok(next.run(request).await)
}

/// The client learns that it may not; why is for the log.
fn denied(denial: &Denial) -> Failure {
    match denial {
        Denial::Permission { .. } | Denial::Scope => {
            let message = "Unauthorized: the credentials do not permit this operation";
            Failure::new(ErrorCode::IotHubUnauthorizedAccess, message)
        }
        _ => {
            let message = "Unauthorized: no valid shared access signature of this hub; check key, name and clock";
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
