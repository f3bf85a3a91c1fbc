//! What is kept of files: records in one stretch of memory, found by the file's content. It is saved as it lies there,
//! so that a hundred thousand of them cost neither reading nor memory of their own.

use std::collections::{BTreeSet, HashMap};

use super::{
    ContentId,
    codec::{self, ById, Record},
};

/// Files that are not there any more and are kept all the same, so that changing back and forth costs nothing.
const OTHERS: usize = 10_000;

/// The documents that are for all devices, and where they stand, as a hash; zeros for none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Shared(pub(super) [u8; 32]);

/// What became of a file's devices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) shared: Shared,
    /// Profiles that select one of them, weakest first.
    pub(super) profiles: BTreeSet<u32>,
    /// Variables that they refer to.
    pub(super) variables: BTreeSet<Box<str>>,
}

/// What earlier checks found out about files, by their content. Good for one build of the program, and for the schemas
/// of the fleet's own that it was found out with.
#[derive(Debug, Default)]
pub struct Kept {
    stamp: [u8; 32],
    records: Vec<u8>,
    /// Where the latest record of a content begins.
    places: HashMap<ContentId, usize, ById>,
    /// How many of the bytes are saved; `None` when what is saved is of no use.
    saved: Option<usize>,
    /// How many files the last check met.
    live: usize,
}

/// What has to be written.
#[derive(Debug, PartialEq, Eq)]
pub enum Save {
    /// All is as it was saved.
    Nothing,
    /// Behind what is there.
    Append(Vec<u8>),
    /// Instead of what is there.
    Replace(Vec<u8>),
}

impl Kept {
    /// Reads what was saved; what cannot be read is as good as never saved.
    pub fn read(bytes: &[u8]) -> Self {
        let Some((stamp, records, places, is_whole)) = codec::read(bytes) else { return Self::default() };
        // A text that is broken somewhere is written afresh.
        let saved = is_whole.then_some(records.len());
        Self { stamp, records, places, saved, live: 0 }
    }

    /// Forgets everything unless it was found out under this stamp.
    pub(super) fn belongs_to(&mut self, stamp: &[u8; 32]) {
        if self.stamp != *stamp {
            *self = Self { stamp: *stamp, ..Self::default() };
        }
    }

    /// Where the record of a content lies.
    pub(super) fn find(&self, id: &ContentId) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The record that lies there.
    pub(super) fn record(&self, place: usize) -> Option<Record<'_>> {
        codec::record(self.records.get(place..)?)
    }

    /// Keeps a file: its documents, its devices, and what became of them, once that is known.
    pub(super) fn put(&mut self, id: ContentId, documents: usize, devices: &[&str], resolved: Option<&Resolved>) {
        self.places.insert(id, self.records.len());
        codec::write_record(&id, documents, devices, resolved, &mut self.records);
    }

    /// Adds to a file what became of its devices.
    pub(super) fn resolve(&mut self, id: &ContentId, resolved: &Resolved) {
        let Some(record) = self.find(id).and_then(|place| self.record(place)) else { return };
        let devices: Vec<String> = record.devices().map(str::to_owned).collect();
        let devices: Vec<&str> = devices.iter().map(String::as_str).collect();
        let documents = record.documents;
        self.put(*id, documents, &devices, Some(resolved));
    }

    /// Forgets what was found out about a content that turned out to be another one.
    pub fn forget(&mut self, id: &ContentId) {
        self.places.remove(id);
        // What is written behind would bring it back.
        self.saved = None;
    }

    /// How many files a check met.
    pub(super) fn met(&mut self, files: usize) {
        self.live = files;
    }

    /// What has to be written so that the next run knows as much. Bounded: twice what the last check met, and a few.
    pub fn save(&mut self) -> Save {
        let Some(saved) = self.saved else { return Save::Replace(self.afresh()) };
        if saved == self.records.len() {
            return Save::Nothing;
        }
        if self.places.len() > 2 * self.live + OTHERS || self.records.len() > 2 * self.size() + (1 << 20) {
            return Save::Replace(self.afresh());
        }
        self.saved = Some(self.records.len());
        Save::Append(codec::segments(&self.records[saved..]))
    }

    /// What the latest records take.
    fn size(&self) -> usize {
        self.places.values().filter_map(|place| Some(self.record(*place)?.length)).sum()
    }

    /// All that is worth keeping, and nothing else: the latest record of each content, unless there are far more of
    /// them than files.
    fn afresh(&mut self) -> Vec<u8> {
        let mut places: Vec<usize> = self.places.values().copied().collect();
        // The newest are behind.
        places.sort_unstable();
        let first = places.len().saturating_sub(self.live + OTHERS);
        let mut records = Vec::with_capacity(self.records.len());
        for place in places.into_iter().skip(first) {
            let length = self.record(place).map_or(0, |record| record.length);
            records.extend_from_slice(self.records.get(place..place + length).unwrap_or_default());
        }
        self.places = codec::places(&records);
        self.records = records;
        self.saved = Some(self.records.len());
        [&self.stamp, codec::segments(&self.records).as_slice()].concat()
    }
}
