//! The rehearsal's own clock, and a hub that tells the time by it.
//!
//! The clock stands still while things happen and is set forward in between: a gate that soaks for a day is passed in no
//! time, and the course is the same however fast the machine is. The hub itself stamps twins by the clock of the
//! machine; what is read of it is told in the rehearsal's time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use jiff::Timestamp;
use serde_json::{Value, value::RawValue};

use crate::{
    client::HubClient,
    fleet::IdentitySpec,
    reconcile::ports::{HubError, Page, TwinRead, TwinText, TwinWrite},
    twin::DeviceId,
};

/// Members of a twin that hold a time.
const TIMES: [&str; 4] = ["$lastUpdated", "lastActivityTime", "connectionStateUpdatedTime", "statusUpdatedTime"];

/// See the module.
#[derive(Debug)]
pub(super) struct Clock {
    /// Since when, by the machine's clock, it shows what; in order.
    settings: Mutex<Vec<(Timestamp, Timestamp)>>,
}

impl Clock {
    /// A clock that shows this time.
    pub(super) fn new(shows: Timestamp) -> Self {
        Self { settings: Mutex::new(vec![(Timestamp::now(), shows)]) }
    }

    /// What it shows.
    pub(super) fn now(&self) -> Timestamp {
        self.lock().last().map_or(Timestamp::UNIX_EPOCH, |(_, shows)| *shows)
    }

    /// Sets it forward; it never goes back.
    pub(super) fn forward_to(&self, time: Timestamp) {
        if time > self.now() {
            self.lock().push((Timestamp::now(), time));
        }
    }

    /// What it showed at a time of the machine's clock; `None` for one before it was there.
    fn told(&self, machine: Timestamp) -> Option<Timestamp> {
        let settings = self.lock();
        let after = settings.partition_point(|(since, _)| *since <= machine);
        settings.get(after.checked_sub(1)?).map(|(_, shows)| *shows)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Timestamp, Timestamp)>> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Twins with their times told by this clock. What is no JSON stays as it is: whoever reads it will say so.
    fn retold(&self, text: Bytes) -> Bytes {
        let Ok(mut value) = serde_json::from_slice::<Value>(&text) else { return text };
        self.retell(&mut value);
        value.to_string().into()
    }

    fn retell(&self, value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    match member {
                        Value::String(time) if TIMES.contains(&key.as_str()) => {
                            let told = time.parse().ok().and_then(|time| self.told(time));
                            *time = told.map_or_else(|| time.clone(), |told| format!("{told:.7}"));
                        }
                        below => self.retell(below),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.retell(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// A hub whose twins tell the rehearsal's time.
pub(super) struct Told<'a> {
    pub(super) hub: &'a HubClient,
    pub(super) clock: &'a Clock,
}

impl TwinRead for Told<'_> {
    async fn twin(&self, device: &DeviceId) -> Result<Option<TwinText>, HubError> {
        let found = self.hub.twin(device).await?;
        Ok(found.map(|twin| TwinText(self.clock.retold(twin.0))))
    }

    fn twins(&self, statement: &str) -> impl Stream<Item = Result<Page, HubError>> + Send {
        let retold = |page: Page| match page {
            Page::Array(text) => Page::Array(self.clock.retold(text)),
            Page::Lines(text) => {
                let lines = text.split(|byte| *byte == b'\n').map(|line| self.clock.retold(text.slice_ref(line)));
                Page::Lines(lines.collect::<Vec<_>>().join(&b'\n').into())
            }
        };
        self.hub.twins(statement).map(move |page| page.map(retold))
    }
}

impl TwinWrite for Told<'_> {
    async fn patch(&self, device: &DeviceId, etag: &str, patch: &RawValue) -> Result<TwinText, HubError> {
        let twin = self.hub.patch(device, etag, patch).await?;
        Ok(TwinText(self.clock.retold(twin.0)))
    }

    async fn register(&self, device: &DeviceId, identity: &IdentitySpec) -> Result<(), HubError> {
        self.hub.register(device, identity).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_between_two_settings_happens_at_one_instant() {
        let began: Timestamp = "2026-06-01T08:00:00Z".parse().unwrap();
        let clock = Clock::new(began);
        let first = Timestamp::now();
        let later: Timestamp = "2026-06-02T08:00:00Z".parse().unwrap();
        clock.forward_to(later);
        clock.forward_to(began);
        assert_eq!(clock.now(), later, "it never goes back");
        assert_eq!((clock.told(first), clock.told(Timestamp::now())), (Some(began), Some(later)));
        let twin = |time: Timestamp| {
            let time = time.to_string();
            serde_json::json!({ "a": { "$metadata": { "$lastUpdated": time, "x": [{ "$lastUpdated": time }] } } })
        };
        let retold = clock.retold(twin(first).to_string().into());
        let retold: Value = serde_json::from_slice(&retold).unwrap();
        let shown = "2026-06-01T08:00:00.0000000Z";
        assert_eq!(retold["a"]["$metadata"]["$lastUpdated"], shown);
        assert_eq!(retold["a"]["$metadata"]["x"][0]["$lastUpdated"], shown);
    }

    #[test]
    fn times_before_the_rehearsal_and_what_is_no_time_stay() {
        let clock = Clock::new(Timestamp::now());
        let text =
            r#"{"lastActivityTime":"0001-01-01T00:00:00Z","properties":{"desired":{"time":"2026-06-01T08:00:00Z"}}}"#;
        assert_eq!(clock.retold(text.into()), text);
        assert_eq!(clock.retold("no json".into()), "no json");
    }
}
