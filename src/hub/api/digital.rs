//! `/digitaltwins` (protocol reference 10).

use axum::{
    Router,
    extract::State,
    http::{
        HeaderName, HeaderValue, StatusCode, Uri,
        header::{ETAG, LOCATION},
    },
    response::{IntoResponse as _, Response},
    routing::{get, patch, post},
};
use percent_encoding::percent_decode_str;

use super::{
    super::{auth::Action, core::Command, failure::Failure, ports::Links, store::Store},
    Api,
    answer::{Refused, json, json_with_etag},
    input::{Content, Id, Precondition, parameter},
    needs,
};

/// What the device says of a command.
const COMMAND_STATUS: HeaderName = HeaderName::from_static("x-ms-command-statuscode");

/// This file's routes.
pub(super) fn routes<S: Store, L: Links>(api: &Api<S, L>) -> Router<Api<S, L>> {
    let twin = needs(api, Action::ReadTwins, get(read)).merge(needs(api, Action::WriteTwins, patch(write)));
    let command = || needs(api, Action::Invoke, post(invoke));
    Router::new()
        .route("/digitaltwins/{id}", twin)
        .route("/digitaltwins/{id}/commands/{name}", command())
        .route("/digitaltwins/{id}/components/{path}/commands/{name}", command())
}

async fn read<S: Store, L: Links>(State(api): State<Api<S, L>>, Id(id): Id) -> Result<Response, Refused> {
    let (text, etag) = api.core.digital_twin(&id).await?;
    Ok(json_with_etag(text, &etag))
}

/// 202: the properties are stored, and the device has yet to take them over.
async fn write<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    uri: Uri,
    Id(id): Id,
    Precondition(if_match): Precondition,
    Content(body): Content,
) -> Result<Response, Refused> {
    let core = api.core.clone();
    let etag = api.write(async move { core.patch_digital_twin(&id, &body, if_match.as_ref()).await }).await?;
    let mut response = StatusCode::ACCEPTED.into_response();
    for (name, value) in [(ETAG, etag.to_string()), (LOCATION, uri.path().to_owned())] {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// A client that hangs up gives the command up.
async fn invoke<S: Store, L: Links>(
    State(api): State<Api<S, L>>,
    uri: Uri,
    Id(id): Id,
    Content(body): Content,
) -> Result<Response, Refused> {
    let command = command(&uri).map_err(Refused::nested)?;
    let answer = api.core.command(&id, command, &body).await.map_err(Refused::nested)?;
    let mut response = json(answer.payload.get().to_owned());
    response.headers_mut().insert(COMMAND_STATUS, HeaderValue::from(answer.status));
    Ok(response)
}

/// `/digitaltwins/{id}[/components/{path}]/commands/{name}`.
fn command(uri: &Uri) -> Result<Command, Failure> {
    let segments = uri.path().split('/').skip(3).map(|segment| percent_decode_str(segment).decode_utf8());
    let segments: Vec<_> = segments
        .collect::<Result<_, _>>()
        .map_err(|_| Failure::invalid("the name of the command in the path is no UTF-8"))?;
    let (component, name) = match segments.as_slice() {
        [_, name] => (None, name),
        [_, component, _, name] => (Some(component.to_string()), name),
        _ => return Err(Failure::invalid("the path names no command")),
    };
    let seconds = |name: &str| parameter(uri, name).map(std::borrow::Cow::into_owned);
    Ok(Command {
        component,
        name: name.to_string(),
        connect: seconds("connectTimeoutInSeconds"),
        response: seconds("responseTimeoutInSeconds"),
    })
}
