//! Where a command reads twins, and which.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, future::Either, stream};

use super::{
    Exit, Failure, Printer,
    args::{HubAccess, SelectArgs},
    login,
};
use crate::{
    client::{HubClient, Snapshot},
    fleet::Fleet,
    query::{Condition, Doubt},
    reconcile::ports::{HubError, Page, TwinRead, TwinText},
    twin::DeviceId,
};

/// How to reach the hub, by the arguments.
#[derive(Clone, Copy)]
pub(crate) struct Access<'a> {
    pub(crate) hub: &'a HubAccess,
    pub(crate) ca: Option<&'a Path>,
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

impl Twins {
    /// Whether they are read from a file, which has no throttles.
    pub(crate) const fn is_snapshot(&self) -> bool {
        matches!(self, Self::Snapshot(_))
    }

    /// The hub that `fleet` is for, or the file that stands in for it.
    pub(crate) fn open(fleet: &Fleet, access: Access<'_>, snapshot: Option<&PathBuf>) -> Result<Self, Failure> {
        Ok(match snapshot {
            Some(path) => Self::Snapshot(Snapshot::new(path.as_path())),
            None => Self::Hub(Box::new(login::hub_of(fleet, access)?)),
        })
    }
}

/// Whether nothing narrows the devices down: a declared device without a twin is missing then.
pub(crate) fn is_all(select: &SelectArgs) -> bool {
    select.condition.is_none() && select.devices.is_empty()
}

/// The single twin of a device as a page, so that it can be surveyed like many. A device that neither the hub nor the
/// fleet knows is refused: most likely its name is mistyped.
async fn page_of(twins: &Twins, fleet: Option<&Fleet>, device: DeviceId) -> Result<Page, HubError> {
    match twins.twin(&device).await? {
        Some(text) => Ok(Page::Lines(text.0)),
        None if fleet.is_some_and(|fleet| fleet.devices.contains_key(&device)) => Ok(Page::Lines(Bytes::new())),
        None => Err(HubError::Refused { status: 404, message: format!("it does not know the device `{device}`") }),
    }
}

/// Warns of what parses, and probably does not mean what was meant.
pub(crate) fn warn_of(doubts: &[Doubt], printer: &Printer) {
    for doubt in doubts {
        printer.warn(crate::report::plain(&doubt.message));
    }
}

/// The statement for the twins that a condition, or nothing, narrows down; `None` when devices are named alone. What
/// is named besides is left out of it: no device is looked at twice. What is doubtful about the condition is warned of.
pub(crate) fn statement(select: &SelectArgs, printer: &Printer) -> Result<Option<String>, Failure> {
    let Some(condition) = &select.condition else {
        return Ok(select.devices.is_empty().then(|| "SELECT * FROM devices".to_owned()));
    };
    let parsed = Condition::parse(condition).map_err(|error| {
        Failure::new(Exit::Usage, error).help("`--where` takes a condition as it follows WHERE: tags.site = 'oslo'")
    })?;
    warn_of(parsed.doubts(), printer);
    if select.devices.is_empty() {
        return Ok(Some(format!("SELECT * FROM devices WHERE {condition}")));
    }
    let named: Vec<String> =
        select.devices.iter().map(|device| format!("'{}'", device.as_str().replace('\'', "\\'"))).collect();
    Ok(Some(format!("SELECT * FROM devices WHERE ({condition}) AND deviceId NIN [{}]", named.join(", "))))
}

/// The twins that a command looks at: those of the statement, and those of devices by name, once each.
pub(crate) fn selected<'t>(
    twins: &'t Twins,
    fleet: Option<&'t Fleet>,
    select: &'t SelectArgs,
    statement: Option<&'t str>,
) -> impl Stream<Item = Result<Page, HubError>> + Send + 't {
    let named: BTreeSet<&DeviceId> = select.devices.iter().collect();
    let devices = stream::iter(named.into_iter().cloned()).then(move |device| page_of(twins, fleet, device));
    let queried = statement.map_or_else(|| stream::empty().boxed(), |statement| twins.twins(statement).boxed());
    devices.chain(queried)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Terminal, Verbosity, args::Color};

    fn asked(condition: Option<&str>, devices: &[&str]) -> Result<Option<String>, Failure> {
        let devices = devices.iter().map(|id| id.parse().unwrap()).collect();
        let printer = Printer::new(Color::Never, Verbosity::Quiet, Terminal::default());
        statement(&SelectArgs { condition: condition.map(str::to_owned), devices }, &printer)
    }

    #[test]
    fn what_is_named_is_not_asked_for_again() {
        assert_eq!(asked(None, &[]).unwrap().as_deref(), Some("SELECT * FROM devices"));
        assert_eq!(asked(None, &["d1"]).unwrap(), None);
        let both = asked(Some("tags.a = 1 OR tags.b = 2"), &["it's", "d2"]).unwrap().unwrap();
        assert_eq!(both, "SELECT * FROM devices WHERE (tags.a = 1 OR tags.b = 2) AND deviceId NIN ['it\\'s', 'd2']");
        crate::query::Query::parse(&both).unwrap();
    }

    #[test]
    fn a_condition_that_is_none_is_wrong_usage() {
        assert_eq!(asked(Some("tags.a ="), &[]).unwrap_err().exit, Exit::Usage);
    }
}
