//! A hub in memory: twins with etags, versions and the hub's own merge, a query index that lags behind them, and a
//! book of who has written what.

use std::collections::BTreeMap;

use bytes::Bytes;
use fastrand::Rng;
use serde_json::{Value, json};
use twinops::{
    reconcile::ports::HubError,
    twin::{DeviceId, Map, leaves, merge},
};

use super::book::Book;

/// Twins in one page of a query.
const PAGE: usize = 3;

/// What the reconciler asks of a hub.
#[derive(Debug, Clone)]
pub(super) enum Request {
    Get(DeviceId),
    Patch {
        device: DeviceId,
        etag: String,
        body: Value,
        revision: String,
    },
    Register(DeviceId),
    /// The twins behind the device named, or the first.
    Page(Option<DeviceId>),
}

/// What it answers.
#[derive(Debug)]
pub(super) enum Reply {
    Twin(Option<Bytes>),
    Done,
    /// The rows, and where to go on.
    Page(Bytes, Option<DeviceId>),
}

/// One twin.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub(super) tags: Map,
    pub(super) desired: Map,
    /// What others have put there: their paths, and the values that they left.
    pub(super) foreign_tags: Map,
    pub(super) foreign_desired: Map,
    /// How often others have put something in the place of what is ours.
    pub(super) edits: u32,
    counter: u64,
    version: u64,
    book: Book,
}

#[derive(Debug, Default)]
pub(super) struct Hub {
    pub(super) twins: BTreeMap<DeviceId, Stored>,
    /// What queries find; may be of yesterday, and hold devices that are gone.
    pub(super) index: BTreeMap<DeviceId, Bytes>,
    /// The hub's own clock, in seconds; it may be set back.
    pub(super) clock: i64,
    /// The laws that were broken.
    pub(super) broken: Vec<String>,
}

impl Stored {
    fn etag(&self) -> String {
        format!("AAAA{:07}=", self.counter)
    }

    fn text(&self, device: &DeviceId, clock: i64) -> Bytes {
        let stamp = jiff::Timestamp::from_second(clock).unwrap().to_string();
        let mut desired = self.desired.clone();
        desired.insert("$version".to_owned(), json!(self.counter));
        desired.insert("$metadata".to_owned(), json!({ "$lastUpdated": stamp }));
        json!({
            "deviceId": device, "etag": self.etag(), "version": self.version, "status": "enabled",
            "tags": self.tags, "properties": { "desired": desired, "reported": { "$version": 1 } }
        })
        .to_string()
        .into()
    }

    /// Somebody else writes: what is theirs, or what is ours (`own`).
    pub(super) fn edit(&mut self, tags: &Map, desired: &Map, own: bool) {
        merge(&mut self.tags, tags);
        merge(&mut self.desired, desired);
        self.edits += u32::from(own);
        if !own {
            merge(&mut self.foreign_tags, tags);
            merge(&mut self.foreign_desired, desired);
        }
        (self.counter, self.version) = (self.counter + 1, self.version + 1);
        self.book = Book::default();
    }
}

impl Hub {
    pub(super) fn serve(&mut self, request: &Request) -> Result<Reply, HubError> {
        match request {
            Request::Get(device) => Ok(Reply::Twin(self.twins.get(device).map(|twin| twin.text(device, self.clock)))),
            Request::Patch { device, etag, body, revision } => self.patch(device, etag, body, revision),
            Request::Register(device) => {
                if self.twins.contains_key(device) {
                    return Err(HubError::Exists);
                }
                self.twins.insert(device.clone(), Stored { counter: 1, ..Stored::default() });
                Ok(Reply::Done)
            }
            Request::Page(after) => {
                let behind = self.index.iter().filter(|(id, _)| after.as_ref().is_none_or(|after| *id > after));
                let page: Vec<_> = behind.take(PAGE).collect();
                let next = if page.len() == PAGE { page.last().map(|(id, _)| (*id).clone()) } else { None };
                let rows: Vec<&[u8]> = page.iter().map(|(_, text)| &***text).collect();
                Ok(Reply::Page([b"[", rows.join(&b","[..]).as_slice(), b"]"].concat().into(), next))
            }
        }
    }

    fn patch(&mut self, device: &DeviceId, etag: &str, body: &Value, revision: &str) -> Result<Reply, HubError> {
        let twin = self.twins.get_mut(device).ok_or(HubError::NoDevice)?;
        if twin.etag() != etag {
            return Err(HubError::Stale);
        }
        for (pointer, section) in [("/tags", &mut twin.tags), ("/properties/desired", &mut twin.desired)] {
            if let Some(Value::Object(patch)) = body.pointer(pointer) {
                merge(section, patch);
            }
        }
        (twin.counter, twin.version) = (twin.counter + 1, twin.version + 1);
        let mut broken: Vec<String> = twin.book.note(revision, body).err().into_iter().collect();
        for (theirs, section) in [(&twin.foreign_tags, &twin.tags), (&twin.foreign_desired, &twin.desired)] {
            let lost =
                leaves(theirs).into_iter().find(|leaf| twinops::twin::get(section, &leaf.keys) != Some(leaf.value));
            broken
                .extend(lost.map(|leaf| format!("the foreign value at {} was touched by {body}", leaf.keys.join("."))));
        }
        self.broken.extend(broken.into_iter().map(|what| format!("{device}: {what}")));
        Ok(Reply::Twin(Some(twin.text(device, self.clock))))
    }

    /// The index catches up: with every twin, or with some.
    pub(super) fn index(&mut self, rng: &mut Rng, share: f64) {
        let clock = self.clock;
        for (device, twin) in &self.twins {
            if rng.f64() < share {
                self.index.insert(device.clone(), twin.text(device, clock));
            }
        }
        self.index.retain(|device, _| self.twins.contains_key(device) || rng.f64() >= share);
    }
}
