//! Which hub a command speaks to, and with what credentials.

use std::path::Path;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, future::Either};

use super::{Exit, Failure};
use crate::{
    client::{HubClient, Options, Snapshot},
    fleet::Fleet,
    iothub::ServiceConnection,
    reconcile::ports::{HubError, Page, TwinRead, TwinText},
    twin::DeviceId,
};

/// Where the service's connection string stands. Never an argument: those are seen by every process.
pub(crate) const CONNECTION: &str = "IOTHUB_CONNECTION_STRING";

/// The connection string of the environment.
pub(crate) fn connection() -> Result<ServiceConnection, Failure> {
    let Ok(text) = std::env::var(CONNECTION) else {
        return Err(Failure::new(Exit::Failed, format!("{CONNECTION} is not set")).help(
            "Azure: `az iot hub connection-string show`; our own hub: `twinops hub connection-string`",
        ));
    };
    ServiceConnection::parse(text.trim()).map_err(|error| {
        Failure::from(error).help(format!("{CONNECTION} must hold a service connection string: HostName=…;SharedAccessKeyName=…;SharedAccessKey=…"))
    })
}

/// A client for the hub of the environment's connection string.
pub(crate) fn hub(ca: Option<&Path>) -> Result<HubClient, Failure> {
    client(&connection()?, ca)
}

/// A client for the hub that a fleet is for: a credential of another hub is refused before anything is sent.
pub(crate) fn hub_of(fleet: &Fleet, ca: Option<&Path>) -> Result<HubClient, Failure> {
    let connection = connection()?;
    let declared = fleet.spec.hub.as_ref().and_then(|hub| hub.hostname.as_deref());
    match declared {
        Some(declared) if !connection.host.is(declared) => {
            let message = format!("the fleet is for the hub `{declared}`, but {CONNECTION} is for `{}`", connection.host);
            Err(Failure::new(Exit::Failed, message).help("take the other connection string, or mend `spec.hub.hostname`"))
        }
        _ => client(&connection, ca),
    }
}

/// A client for the hub of a connection string.
pub(crate) fn client(connection: &ServiceConnection, ca: Option<&Path>) -> Result<HubClient, Failure> {
    let options = Options { ca: ca.map(Path::to_owned), ..Options::default() };
    Ok(HubClient::connect(connection, options)?)
}

/// Where twins are read: a hub, or a file of them.
pub(crate) enum Twins {
    Hub(Box<HubClient>),
    Snapshot(Snapshot),
}

impl TwinRead for Twins {
    async fn twin(&self, device: &DeviceId) -> Result<Option<TwinText>, HubError> {
        match self {
            Self::Hub(hub) => hub.twin(device).await,
            Self::Snapshot(file) => file.twin(device).await,
        }
    }

    fn twins(&self, statement: &str) -> impl Stream<Item = Result<Page, HubError>> + Send {
        match self {
            Self::Hub(hub) => Either::Left(hub.twins(statement)),
            Self::Snapshot(file) => Either::Right(file.twins(statement)),
        }
    }
}

/// The single twin of a device as a page, so that it can be surveyed like many; empty when the hub does not know it.
pub(crate) async fn page_of(twins: &impl TwinRead, device: &DeviceId) -> Result<Page, HubError> {
    let text = twins.twin(device).await?.map_or_else(Bytes::new, |text| text.0);
    Ok(Page::Lines(text))
}

/// The twins that a command looks at: all, those of a condition, or one device's.
pub(crate) async fn selected<'t>(
    twins: &'t Twins,
    device: Option<&DeviceId>,
    condition: Option<&str>,
) -> Result<impl Stream<Item = Result<Page, HubError>> + Send + 't, HubError> {
    let statement = condition.map_or_else(
        || "SELECT * FROM devices".to_owned(),
        |condition| format!("SELECT * FROM devices WHERE {condition}"),
    );
    Ok(match device {
        Some(device) => Either::Left(futures_util::stream::iter([Ok(page_of(twins, device).await?)])),
        None => Either::Right(twins.twins(&statement).boxed()),
    })
}
