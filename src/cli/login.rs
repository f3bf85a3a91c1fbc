//! As whom a command asks which hub.

use std::path::{Path, PathBuf};

use super::{Exit, Failure, access::Access, args::HubAccess};
use crate::{
    client::{Entra, HubClient, Login, Options},
    fleet::Fleet,
    iothub::{HostName, ServiceConnection},
};

/// Where the service's connection string stands. Never an argument: those are seen by every process.
const CONNECTION: &str = "IOTHUB_CONNECTION_STRING";
/// How the names of hubs end that Entra ID knows: `.azure-devices.net`, and other clouds' ends.
const AZURE: &str = ".azure-devices.";
/// Whoever sets it means to be asked by Entra ID.
const AZURE_CLIENT: &str = "AZURE_CLIENT_ID";

#[derive(Debug, thiserror::Error)]
#[error("cannot read the connection string from `{}`", path.display())]
struct ReadError {
    path: PathBuf,
    #[source]
    cause: std::io::Error,
}

/// Whether anybody has said which hub.
pub(crate) fn is_given(access: &HubAccess) -> bool {
    let given = access.connection_string_file.is_some() || access.host.is_some() || access.token_file.is_some();
    given || std::env::var_os(CONNECTION).is_some()
}

/// A client for the hub that arguments and environment name.
pub(crate) fn hub(access: Access<'_>) -> Result<HubClient, Failure> {
    Ok(named_hub(access)?.0)
}

/// The same, and the hub's host name.
pub(crate) fn named_hub(access: Access<'_>) -> Result<(HubClient, String), Failure> {
    let login = login(access.hub, None)?;
    let name = login.host().to_string();
    Ok((client(login, access.ca)?, name))
}

/// A client for the hub that a fleet is for: a credential of another hub is refused before anything is sent.
pub(crate) fn hub_of(fleet: &Fleet, access: Access<'_>) -> Result<HubClient, Failure> {
    client(login(access.hub, declared(fleet))?, access.ca)
}

/// The name of the hub that a fleet's twins are in; for a snapshot, as the fleet declares it.
pub(crate) fn hub_name(fleet: &Fleet, access: Access<'_>, is_snapshot: bool) -> Result<Option<String>, Failure> {
    if is_snapshot {
        return Ok(declared(fleet).map(str::to_owned));
    }
    Ok(Some(login(access.hub, declared(fleet))?.host().to_string()))
}

/// A client for a hub.
pub(crate) fn client(login: impl Into<Login>, ca: Option<&Path>) -> Result<HubClient, Failure> {
    let options = Options { ca: ca.map(Path::to_owned), ..Options::default() };
    Ok(HubClient::connect(login, options)?)
}

fn declared(fleet: &Fleet) -> Option<&str> {
    fleet.spec.hub.as_ref().and_then(|hub| hub.hostname.as_deref())
}

/// The hub, and what proves that we may ask it: a connection string, a token of its issuer, or an identity of Azure.
fn login(access: &HubAccess, declared: Option<&str>) -> Result<Login, Failure> {
    let login = match (connection(access)?, host(access, declared)?) {
        (Some(connection), _) => Login::Connection(connection),
        (None, Some(host)) => match &access.token_file {
            Some(path) => Login::TokenFile { host, path: path.clone() },
            None if knows_entra(&host) => Login::Entra { host, identity: Entra::from_environment() },
            None => return Err(nothing()),
        },
        (None, None) if access.token_file.is_some() => {
            return Err(Failure::usage("a token is given, and no hub to show it to")
                .help("name it with `--hub HOST` or IOTHUB_HOSTNAME, or write `spec.hub.hostname`"));
        }
        (None, None) => return Err(nothing()),
    };
    check(login, access.host.as_ref(), declared)
}

/// Refuses a credential for another hub than is asked for.
fn check(login: Login, host: Option<&HostName>, declared: Option<&str>) -> Result<Login, Failure> {
    let ours = login.host();
    let given = if matches!(login, Login::Connection(_)) { CONNECTION } else { "`--hub`" };
    match declared {
        Some(declared) if !ours.is(declared) => {
            let message = format!("the fleet is for the hub `{declared}`, but {given} is for `{ours}`");
            return Err(Failure::new(Exit::Failed, message)
                .help("take the other connection string, or mend `spec.hub.hostname`"));
        }
        _ => {}
    }
    match host {
        Some(host) if !ours.is(&host.to_string()) => {
            let message = format!("`--hub` names `{host}`, but {CONNECTION} is for `{ours}`");
            Err(Failure::new(Exit::Failed, message).help("leave one of them out"))
        }
        _ => Ok(login),
    }
}

/// The connection string of a file or of the environment, unless a token is to be shown.
fn connection(access: &HubAccess) -> Result<Option<ServiceConnection>, Failure> {
    let text = match (&access.connection_string_file, &access.token_file) {
        (Some(path), _) => std::fs::read_to_string(path).map_err(|cause| ReadError { path: path.clone(), cause })?,
        (None, Some(_)) => return Ok(None),
        (None, None) => match std::env::var(CONNECTION) {
            Ok(text) => text,
            Err(_) => return Ok(None),
        },
    };
    let parsed = ServiceConnection::parse(text.trim()).map_err(|error| {
        Failure::from(error).help("a service connection string: HostName=…;SharedAccessKeyName=…;SharedAccessKey=…")
    });
    parsed.map(Some)
}

fn host(access: &HubAccess, declared: Option<&str>) -> Result<Option<HostName>, Failure> {
    match (&access.host, declared) {
        (Some(host), _) => Ok(Some(host.clone())),
        (None, Some(declared)) => Ok(Some(HostName::parse(declared)?)),
        (None, None) => Ok(None),
    }
}

fn knows_entra(host: &HostName) -> bool {
    host.name().to_ascii_lowercase().contains(AZURE) || std::env::var_os(AZURE_CLIENT).is_some()
}

fn nothing() -> Failure {
    Failure::new(Exit::Failed, format!("{CONNECTION} is not set")).help(
        "Azure: `az iot hub connection-string show`, or `--hub HOST` and `az login`; our own hub: \
         `twinops hub connection-string`",
    )
}
