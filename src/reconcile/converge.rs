//! Waiting until devices have caught up.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, pin_mut, stream};
use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout_at};

use super::ports::{HubError, TwinRead};
use crate::{
    task::Stop,
    twin::{DeviceId, RowError, TwinRow},
};

/// Up to so many devices are read one by one, from their documents; more are asked for by query, which is stale but
/// costs a hundredth (protocol reference 14).
const FEW: usize = 50;
/// Twins read at the same time.
const READERS: usize = 8;
/// Longest statement that a hub takes is 8192 characters (protocol reference 6.1).
const STATEMENT: usize = 8000;

/// How one device stands on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is where it should be.
    Done,
    /// Not yet.
    Waiting,
    /// It says that it will not get there, in these words. Not final: it is asked again as long as others are waited for,
    /// and a while longer.
    Failed(String),
}

/// How long and how often to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// When to give up, counted from the start.
    pub total: Duration,
    /// The first wait between two looks; doubles while nothing moves.
    pub first: Duration,
    /// The longest such wait.
    pub longest: Duration,
    /// When all that are left have failed, and say nothing else for so long, they have failed for good.
    pub settled: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            total: Duration::from_mins(10),
            first: Duration::from_millis(500),
            longest: Duration::from_secs(15),
            settled: Duration::from_secs(20),
        }
    }
}

/// Who has caught up, and who has not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Converged {
    /// Devices that got there.
    pub done: Vec<DeviceId>,
    /// Devices that say that they will not, with their words.
    pub failed: Vec<(DeviceId, String)>,
    /// Devices that have said nothing yet.
    pub waiting: Vec<DeviceId>,
    /// The wait was cut short.
    pub interrupted: bool,
}

impl Converged {
    /// Whether every device got there.
    pub const fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.waiting.is_empty()
    }
}

/// Waits until `standing` calls every device done, those that are left have failed for good, the time is up or the end is
/// asked for. `progress` hears how many
/// of how many are done after every look.
///
/// # Errors
/// When the hub refuses what it is asked. A hub that throttles or cannot be reached is asked again later.
pub async fn converge<H: TwinRead>(
    hub: &H,
    devices: impl IntoIterator<Item = DeviceId>,
    standing: &(impl Fn(&TwinRow<'_>) -> Standing + Sync),
    patience: Patience,
    progress: &(impl Fn(usize, usize) + Sync),
    stop: &Stop,
) -> Result<Converged, HubError> {
    let mut watch = Watch::new(devices);
    let deadline = Instant::now() + patience.total;
    let mut wait = patience.first;
    while !watch.left.is_empty() {
        let before = watch.done.len();
        let look = stop.unless(timeout_at(deadline, watch.look(hub, standing))).await;
        progress(watch.done.len(), watch.total());
        let Some(Ok(look)) = look else { break };
        let mut asked_for = Duration::ZERO;
        match look {
            Err(error) if !error.is_transient() => return Err(error),
            Err(HubError::Throttled { retry_after: Some(asked) }) => asked_for = asked,
            Ok(()) if watch.done.len() > before => wait = patience.first,
            Ok(()) | Err(_) => wait *= 2,
        }
        wait = wait.min(patience.longest).max(asked_for);
        if watch.has_failed(patience.settled) {
            break;
        }
        if watch.left.is_empty() || Instant::now() + wait > deadline || stop.unless(sleep(wait)).await.is_none() {
            break;
        }
    }
    Ok(watch.finish(stop.is_requested()))
}

/// Who is done and who is not.
struct Watch {
    done: Vec<DeviceId>,
    left: BTreeSet<DeviceId>,
    words: std::collections::BTreeMap<DeviceId, String>,
    /// Since when all that are left have failed and say the same.
    failed_since: Option<Instant>,
}

impl Watch {
    fn new(devices: impl IntoIterator<Item = DeviceId>) -> Self {
        let words = std::collections::BTreeMap::new();
        Self { done: Vec::new(), left: devices.into_iter().collect(), words, failed_since: None }
    }

    fn total(&self) -> usize {
        self.done.len() + self.left.len()
    }

    async fn look<H: TwinRead>(
        &mut self,
        hub: &H,
        standing: &impl Fn(&TwinRow<'_>) -> Standing,
    ) -> Result<(), HubError> {
        if self.left.len() <= FEW { self.read(hub, standing).await } else { self.query(hub, standing).await }
    }

    async fn read<H: TwinRead>(
        &mut self,
        hub: &H,
        standing: &impl Fn(&TwinRow<'_>) -> Standing,
    ) -> Result<(), HubError> {
        let devices: Vec<DeviceId> = self.left.iter().cloned().collect();
        let twins = stream::iter(devices).map(|device| async move { hub.twin(&device).await });
        let twins = twins.buffer_unordered(READERS);
        pin_mut!(twins);
        while let Some(twin) = twins.next().await {
            let Some(twin) = twin? else { continue };
            self.note(standing, &twin.row().map_err(unreadable)?)?;
        }
        Ok(())
    }

    async fn query<H: TwinRead>(
        &mut self,
        hub: &H,
        standing: &impl Fn(&TwinRow<'_>) -> Standing,
    ) -> Result<(), HubError> {
        for statement in statements(&self.left) {
            let pages = hub.twins(&statement);
            pin_mut!(pages);
            while let Some(page) = pages.next().await {
                let mut noted = Ok(());
                let take = |row: Result<TwinRow<'_>, RowError>| {
                    let one = row.map_err(unreadable).and_then(|row| self.note(standing, &row));
                    noted = std::mem::replace(&mut noted, Ok(())).and(one);
                };
                page?.for_each(take).map_err(unreadable)?;
                noted?;
            }
        }
        Ok(())
    }

    fn note(&mut self, standing: &impl Fn(&TwinRow<'_>) -> Standing, row: &TwinRow<'_>) -> Result<(), HubError> {
        if row.module_id.is_some() || !self.left.contains(&*row.device_id) {
            return Ok(());
        }
        let device = row.id().map_err(unreadable)?;
        match standing(row) {
            Standing::Done => {
                self.left.remove(&device);
                self.words.remove(&device);
                self.done.push(device);
            }
            Standing::Failed(words) => {
                if self.words.get(&device) != Some(&words) {
                    self.failed_since = None;
                    self.words.insert(device, words);
                }
            }
            Standing::Waiting => {
                self.words.remove(&device);
            }
        }
        Ok(())
    }

    /// Whether all that are left have failed, and have said the same for so long.
    fn has_failed(&mut self, settled: Duration) -> bool {
        if self.left.is_empty() || self.words.len() < self.left.len() {
            self.failed_since = None;
            return false;
        }
        self.failed_since.get_or_insert_with(Instant::now).elapsed() >= settled
    }

    fn finish(self, interrupted: bool) -> Converged {
        let Self { done, left, mut words, failed_since: _ } = self;
        let (mut failed, mut waiting) = (Vec::new(), Vec::new());
        for device in left {
            match words.remove(&device) {
                Some(words) => failed.push((device, words)),
                None => waiting.push(device),
            }
        }
        let interrupted = interrupted && !(failed.is_empty() && waiting.is_empty());
        Converged { done, failed, waiting, interrupted }
    }
}

fn unreadable(error: RowError) -> HubError {
    HubError::Answer(Box::new(error))
}

/// As few statements as name all these devices.
pub(super) fn statements(devices: &BTreeSet<DeviceId>) -> Vec<String> {
    const START: &str = "SELECT * FROM devices WHERE deviceId IN [";
    let mut all = Vec::new();
    let mut text = String::from(START);
    for device in devices {
        let literal = format!("'{}'", device.as_str().replace('\'', "\\'"));
        if text.len() + literal.len() + 2 > STATEMENT {
            text.push(']');
            all.push(std::mem::replace(&mut text, START.to_owned()));
        }
        if text.len() > START.len() {
            text.push(',');
        }
        text.push_str(&literal);
    }
    text.push(']');
    all.push(text);
    all
}

/// Whether a device with our agent has acknowledged `revision` as fully applied: its `reported.twinops.revision` is a
/// Plug and Play answer (protocol reference 15.1) with that value.
pub fn acknowledged(revision: impl Into<Arc<str>>) -> impl Fn(&TwinRow<'_>) -> Standing + Send + Sync {
    #[derive(Deserialize)]
    struct Reported {
        #[serde(default)]
        revision: Option<Ack>,
    }
    #[derive(Deserialize)]
    struct Ack {
        value: String,
        ac: i64,
        #[serde(default)]
        ad: Option<String>,
    }
    let revision = revision.into();
    move |row| {
        let text = row.properties.reported.member("twinops");
        let ack =
            text.and_then(|text| serde_json::from_str::<Reported>(text).ok()).and_then(|section| section.revision);
        match ack {
            Some(ack) if *ack.value != *revision => Standing::Waiting,
            Some(Ack { ac: 200, .. }) => Standing::Done,
            Some(Ack { ac: 400.., ad, .. }) => Standing::Failed(ad.unwrap_or_else(|| "no reason given".to_owned())),
            _ => Standing::Waiting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(reported: &str) -> String {
        format!(r#"{{"deviceId":"d","properties":{{"reported":{{"twinops":{reported}}}}}}}"#)
    }

    #[test]
    fn an_acknowledgement_counts_for_its_own_revision_only() {
        let standing = acknowledged("abc");
        let look = |text: &str| standing(&TwinRow::parse(&row(text)).unwrap());
        assert_eq!(look(r#"{"revision":{"value":"abc","ac":200,"av":3}}"#), Standing::Done);
        assert_eq!(look(r#"{"revision":{"value":"old","ac":200,"av":2}}"#), Standing::Waiting);
        assert_eq!(look(r#"{"revision":{"value":"abc","ac":202,"av":3}}"#), Standing::Waiting);
        assert_eq!(
            look(r#"{"revision":{"value":"abc","ac":500,"ad":"disk full"}}"#),
            Standing::Failed("disk full".into())
        );
        assert_eq!(look(r#"{"revision":"abc"}"#), Standing::Waiting);
        assert_eq!(standing(&TwinRow::parse(r#"{"deviceId":"d"}"#).unwrap()), Standing::Waiting);
    }

    #[test]
    fn many_devices_are_asked_for_in_statements_that_a_hub_takes() {
        let devices: BTreeSet<DeviceId> = (0..1000).map(|n| format!("dev'ice-{n:04}").parse().unwrap()).collect();
        let all = statements(&devices);
        assert!(all.len() > 1);
        assert!(all.iter().all(|text| text.len() <= 8192 && text.ends_with("']")));
        assert_eq!(all.iter().map(|text| text.matches(r"dev\'ice").count()).sum::<usize>(), 1000);
        assert!(all.iter().all(|text| crate::query::Query::parse(text).is_ok()));
    }
}
