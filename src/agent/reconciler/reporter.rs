//! Tells the hub what changed since it was last told.

use serde_json::Value;
use tracing::{debug, error, warn};

use super::{patch::patch, render::COMMANDS};
use crate::{
    agent::link::{LinkHandle, ReportError},
    component::pnp::TWINOPS,
    twin::{Map, set_path},
};

/// Owns what the hub is known to hold of the agent's reported properties.
pub(super) struct Reporter {
    link: LinkHandle,
    /// `None` while that is not known.
    last: Option<Map>,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// The hub knows all.
    All,
    /// The hub cannot be told now; the next connection brings it up to date.
    Offline,
    /// The hub is busy; to be tried again.
    Busy,
}

impl Reporter {
    pub(super) fn new(link: LinkHandle) -> Self {
        Self { link, last: None }
    }

    /// Takes what the hub holds, or that it is out of reach.
    pub(super) fn adopt(&mut self, reported: Option<Map>) {
        self.last = reported;
    }

    /// Whether the hub is in reach, as far as that is known.
    pub(super) fn is_online(&self) -> bool {
        self.last.is_some()
    }

    /// What the hub was last told.
    pub(super) fn last(&self) -> Option<&Map> {
        self.last.as_ref()
    }

    /// Sends one patch with what changed; none when nothing did.
    pub(super) async fn tell(&mut self, now: &Map) -> Told {
        let Some(last) = &self.last else { return Told::Offline };
        let change = patch(last, now);
        if change.is_empty() {
            return Told::All;
        }
        match self.link.report(change.clone()).await {
            Ok(version) => {
                debug!(version, "reported");
                self.last = Some(now.clone());
                Told::All
            }
            Err(ReportError::Refused { status, message }) if status < 500 && status != 429 => {
                warn!(status, message, "the hub refused a report; trying it component by component");
                self.tell_apart(change, now).await
            }
            Err(fault) => self.after(&fault),
        }
    }

    /// Tells the last commands before one of them is carried out, after which nobody may be left to tell of it. When
    /// that does not arrive, the command is carried out all the same.
    pub(super) async fn tell_commands(&mut self, calls: Option<Value>) {
        let (Some(mut now), Some(calls)) = (self.last.clone(), calls) else { return };
        set_path(&mut now, &[TWINOPS.into(), COMMANDS.into()], calls);
        self.tell(&now).await;
    }

    /// Takes back what was reported: one section, or everything. The next report says all of it again.
    pub(super) async fn clear(&mut self, section: Option<&str>) -> Result<(), ReportError> {
        let mut last = self.last.take().ok_or(ReportError::Offline)?;
        let gone = section.map_or_else(|| last.keys().cloned().collect(), |section| vec![section.to_owned()]);
        let patch = gone.iter().map(|name| (name.clone(), Value::Null)).collect();
        let done = self.link.report(patch).await.map(drop);
        last.retain(|name, _| !gone.contains(name));
        self.last = done.is_ok().then_some(last);
        if done.is_err() {
            self.link.refresh();
        }
        done
    }

    /// One component that the hub does not take must not keep it from hearing of the others.
    async fn tell_apart(&mut self, change: Map, now: &Map) -> Told {
        for (component, value) in change {
            let alone: Map = [(component.clone(), value)].into_iter().collect();
            match self.link.report(alone).await {
                Ok(_) => {}
                Err(ReportError::Refused { status, message }) if status < 500 && status != 429 => {
                    error!(component, status, message, "the hub refuses what this component reports");
                }
                Err(fault) => return self.after(&fault),
            }
        }
        self.last = Some(now.clone());
        Told::All
    }

    fn after(&mut self, fault: &ReportError) -> Told {
        match fault {
            ReportError::Refused { status, message } => {
                warn!(status, message, "the hub cannot take a report now");
                Told::Busy
            }
            ReportError::NoAnswer => {
                warn!("the hub did not answer a report; asking what it holds");
                self.last = None;
                self.link.refresh();
                Told::Offline
            }
            ReportError::Offline => {
                self.last = None;
                Told::Offline
            }
        }
    }
}
