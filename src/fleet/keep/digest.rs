//! What is kept of a file, and of all of them.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{ContentId, codec};

/// Files that are not there any more and are kept all the same, so that changing back and forth costs nothing.
const OTHERS: usize = 10_000;

/// The documents that are for all devices, and where they stand, as a hash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shared(pub(super) [u8; 32]);

/// What is known of a file that declares devices alone and has nothing wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) documents: usize,
    pub(super) devices: Box<[Box<str>]>,
    /// `None` as long as the devices have not been resolved, or something was found then.
    pub(super) resolved: Option<Resolved>,
}

/// What became of a file's devices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) shared: Shared,
    /// Profiles that select one of them, weakest first.
    pub(super) profiles: BTreeSet<u32>,
    /// Variables that they refer to.
    pub(super) variables: BTreeSet<Box<str>>,
}

impl Digest {
    /// What became of the devices, if that was under the same shared documents.
    pub(super) fn resolved_under(&self, shared: &Shared) -> Option<&Resolved> {
        self.resolved.as_ref().filter(|resolved| resolved.shared == *shared)
    }
}

/// What earlier checks found out about files, by their content. Good for one build of the program, and for the schemas
/// of the fleet's own that it was found out with.
#[derive(Debug, Default)]
pub struct Kept {
    stamp: [u8; 32],
    files: HashMap<ContentId, Digest>,
    /// What has changed since it was read or saved.
    changed: HashSet<ContentId>,
    /// What the last check met.
    live: HashSet<ContentId>,
    /// Records of the saved text, those that later ones replace included.
    saved: usize,
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
        let Some((stamp, records, is_whole)) = codec::read(bytes) else { return Self::default() };
        // A text that is broken somewhere is written afresh.
        let saved = if is_whole { records.len() } else { usize::MAX };
        Self { stamp, files: records.into_iter().collect(), saved, ..Self::default() }
    }

    /// Forgets everything unless it was found out under this stamp.
    pub(super) fn belongs_to(&mut self, stamp: &[u8; 32]) {
        if self.stamp != *stamp {
            *self = Self { stamp: *stamp, saved: usize::MAX, ..Self::default() };
        }
        self.live.clear();
    }

    pub(super) fn get(&self, id: &ContentId) -> Option<&Digest> {
        self.files.get(id)
    }

    pub(super) fn put(&mut self, id: ContentId, digest: Digest) {
        self.live.insert(id);
        self.changed.insert(id);
        self.files.insert(id, digest);
    }

    /// Forgets what was found out about a content that turned out to be another one.
    pub fn forget(&mut self, id: &ContentId) {
        self.files.remove(id);
    }

    pub(super) fn meet(&mut self, id: ContentId) {
        self.live.insert(id);
    }

    pub(super) fn resolve(&mut self, id: &ContentId, resolved: Resolved) {
        if let Some(digest) = self.files.get_mut(id) {
            digest.resolved = Some(resolved);
            self.changed.insert(*id);
        }
    }

    /// What has to be written so that the next run knows as much. Bounded: twice what the last check met, and a few.
    pub fn save(&mut self) -> Save {
        if self.changed.is_empty() {
            return Save::Nothing;
        }
        let changed = std::mem::take(&mut self.changed);
        let most = 2 * self.live.len() + OTHERS;
        if self.saved.saturating_add(changed.len()) > most {
            let live = &self.live;
            self.files.retain(|id, _| live.contains(id));
            self.saved = self.files.len();
            return Save::Replace(codec::write(Some(&self.stamp), self.files.iter()));
        }
        self.saved += changed.len();
        let records = changed.iter().filter_map(|id| self.files.get_key_value(id));
        Save::Append(codec::write(None, records))
    }
}
