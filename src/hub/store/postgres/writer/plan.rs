//! What of a group of batches is to be written.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{
    super::super::{Change, Document, Kind, Outcome},
    Job,
};
use crate::hub::{ports::LinkId, record::Record};

/// A row that a change is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key<'a> {
    Record(&'a LinkId),
    Session(&'a LinkId),
    Document(Kind, &'a str),
    Setting(&'a str),
}

/// The rows that a change is about. `Tell` and `Cut` only look at a session, after everything else was written.
fn keys(change: &Change) -> impl Iterator<Item = Key<'_>> {
    let (first, second) = match change {
        Change::Insert(record) => (Some(Key::Record(&record.link)), Some(Key::Session(&record.link))),
        Change::Update(record) => (Some(Key::Record(&record.link)), None),
        // So that it comes either before a claim or after it, and then finds the new owner.
        Change::Mail { link } => (Some(Key::Record(link)), None),
        Change::Delete { link, .. } | Change::Claim { link, .. } => (Some(Key::Record(link)), Some(Key::Session(link))),
        Change::Subscriptions { link, .. }
        | Change::Seen { link, .. }
        | Change::Heard { link, .. }
        | Change::Waiting { link, .. } => (Some(Key::Session(link)), None),
        Change::Setting { name, .. } => (Some(Key::Setting(name)), None),
        Change::Document(document) => (Some(Key::Document(document.kind, &document.id)), None),
        Change::DeleteDocument { kind, id, .. } => (Some(Key::Document(*kind, id)), None),
        Change::DeleteDocuments { .. } | Change::Tell { .. } | Change::Cut { .. } => (None, None),
    };
    first.into_iter().chain(second)
}

/// Takes jobs from the front as long as no row is touched by two of them: a statement writes a row once, and what
/// comes second has to find what the first one left. Whoever deletes by prefix is alone.
pub(super) fn gather(waiting: &mut VecDeque<Job>, most: usize) -> Vec<Job> {
    let is_alone = |job: &Job| job.batch.iter().any(|change| matches!(change, Change::DeleteDocuments { .. }));
    let mut touched = HashSet::new();
    let mut count = 0;
    for job in waiting.iter().take(most) {
        let alone = is_alone(job);
        let own: HashSet<Key<'_>> = job.batch.iter().flat_map(keys).collect();
        if count > 0 && (alone || own.iter().any(|key| touched.contains(key))) {
            break;
        }
        touched.extend(own);
        count += 1;
        if alone {
            break;
        }
    }
    drop(touched);
    waiting.drain(..count).collect()
}

/// Rows as they are, locked.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    /// Revisions; nothing for a row that is not there.
    revisions: HashMap<Key<'a>, u64>,
    /// Records whose identity is the one that a claim names.
    same: HashSet<LinkId>,
}

impl<'a> Found<'a> {
    pub(super) fn insert(&mut self, key: Key<'a>, revision: u64) {
        self.revisions.insert(key, revision);
    }

    pub(super) fn insert_same(&mut self, link: LinkId) {
        self.same.insert(link);
    }
}

/// What is to be written, by kind.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) inserts: Vec<&'a Record>,
    pub(super) updates: Vec<&'a Record>,
    pub(super) deletes: Vec<&'a LinkId>,
    pub(super) claims: Vec<(&'a LinkId, u64, &'a str)>,
    pub(super) subscriptions: Vec<(&'a LinkId, u32)>,
    pub(super) seen: Vec<(&'a LinkId, &'a str, &'a str, bool)>,
    pub(super) waiting: Vec<(&'a LinkId, Option<String>)>,
    pub(super) heard: Vec<(&'a LinkId, &'a str)>,
    pub(super) settings: Vec<(&'a str, &'a str)>,
    pub(super) new_documents: Vec<&'a Document>,
    pub(super) documents: Vec<&'a Document>,
    pub(super) gone_documents: Vec<(Kind, &'a str)>,
    pub(super) gone_prefixes: Vec<(Kind, &'a str)>,
    pub(super) tells: Vec<(&'a LinkId, u64, &'a [u8])>,
    pub(super) cuts: Vec<&'a LinkId>,
    pub(super) mails: Vec<&'a LinkId>,
}

impl<'a> Plan<'a> {
    /// Decides, job by job, whether all conditions of its changes hold.
    pub(super) fn make(group: &'a [Job], mut found: Found<'a>) -> Self {
        let mut plan = Self::default();
        for job in group {
            let held = holds(&job.batch, &mut found);
            if held {
                job.batch.iter().for_each(|change| plan.add(change));
            }
            plan.outcomes.push(if held { Outcome::Written } else { Outcome::Conflict });
        }
        plan.order();
        plan
    }

    fn add(&mut self, change: &'a Change) {
        match change {
            Change::Insert(record) => self.inserts.push(record),
            Change::Update(record) => {
                self.updates.push(record);
                // In the same transaction, so that no crash leaves a link to somebody who may not talk.
                if !record.enabled {
                    self.cuts.push(&record.link);
                }
            }
            Change::Delete { link, .. } => self.deletes.push(link),
            Change::Claim { link, ticket, at, .. } => self.claims.push((link, *ticket, at)),
            Change::Subscriptions { link, subscriptions } => self.subscriptions.push((link, *subscriptions)),
            Change::Seen { link, last_activity, state_changed, live } => {
                self.seen.push((link, last_activity, state_changed, *live));
            }
            Change::Waiting { link, waiting } => self.waiting.push((link, waiting.text())),
            Change::Heard { link, at } => self.heard.push((link, at)),
            Change::Setting { name, value } => self.settings.push((name, value)),
            Change::Document(document) if document.revision == 0 => self.new_documents.push(document),
            Change::Document(document) => self.documents.push(document),
            Change::DeleteDocument { kind, id, .. } => self.gone_documents.push((*kind, id)),
            Change::DeleteDocuments { kind, prefix } => self.gone_prefixes.push((*kind, prefix)),
            Change::Tell { link, version, patch } => self.tells.push((link, *version, patch)),
            Change::Cut { link } => self.cuts.push(link),
            Change::Mail { link } => self.mails.push(link),
        }
    }

    /// Whether it can be written as it is: all rows are locked. One that is new was not there to be locked.
    pub(super) fn is_sure(&self) -> bool {
        self.inserts.is_empty() && self.new_documents.is_empty()
    }

    /// Rows are written in the order of their names, so that two hubs that write the same ones do not wait for each
    /// other in a circle. What devices are told stays in the order in which it was said.
    fn order(&mut self) {
        self.inserts.sort_unstable_by_key(|record| &record.link);
        self.claims.sort_unstable_by_key(|(link, ..)| *link);
        self.subscriptions.sort_unstable_by_key(|(link, _)| *link);
        self.seen.sort_unstable_by_key(|(link, ..)| *link);
        self.waiting.sort_unstable_by_key(|(link, _)| *link);
        self.heard.sort_unstable_by_key(|(link, _)| *link);
        self.settings.sort_unstable_by_key(|(name, _)| *name);
        self.new_documents.sort_unstable_by_key(|document| (document.kind.name(), &document.id));
    }
}

/// Whether all changes of a batch hold; if so, `found` is what they leave.
fn holds<'a>(batch: &'a [Change], found: &mut Found<'a>) -> bool {
    let mut left: HashMap<Key<'a>, Option<u64>> = HashMap::new();
    for change in batch {
        let now = |key: &Key<'a>| left.get(key).copied().unwrap_or_else(|| found.revisions.get(key).copied());
        let (key, expected, next) = match change {
            Change::Insert(record) => (Key::Record(&record.link), None, Some(record.revision)),
            Change::Update(record) => (Key::Record(&record.link), Some(record.revision), Some(record.revision + 1)),
            Change::Delete { link, revision } => (Key::Record(link), Some(*revision), None),
            Change::Document(document) => {
                let Document { kind, id, revision, .. } = &**document;
                (Key::Document(*kind, id), (*revision > 0).then_some(*revision), Some(revision + 1))
            }
            Change::DeleteDocument { kind, id, revision } => (Key::Document(*kind, id), Some(*revision), None),
            Change::Claim { link, .. } if !found.same.contains(link) => return false,
            Change::DeleteDocuments { kind, prefix } => {
                let under =
                    |key: &Key<'_>| matches!(key, Key::Document(of, id) if of == kind && id.starts_with(&**prefix));
                found.revisions.retain(|key, _| !under(key));
                continue;
            }
            _ => continue,
        };
        if now(&key) != expected {
            return false;
        }
        left.insert(key, next);
    }
    for (key, next) in left {
        match next {
            Some(revision) => found.revisions.insert(key, revision),
            None => found.revisions.remove(&key),
        };
    }
    true
}

/// Records with the identity that they must have, and documents.
type Rows<'a> = (Vec<(&'a LinkId, Option<&'a str>)>, Vec<(Kind, &'a str)>);

/// Which rows a group is about, in order and once each: records with the identity that a claim names, and documents.
pub(super) fn rows(group: &[Job]) -> Rows<'_> {
    let (mut records, mut documents) = (Vec::new(), Vec::new());
    for change in group.iter().flat_map(|job| &job.batch) {
        if let Change::Claim { link, identity, .. } = change {
            records.push((link, Some(&**identity)));
            continue;
        }
        for key in keys(change) {
            match key {
                Key::Record(link) => records.push((link, None)),
                Key::Document(kind, id) => documents.push((kind, id)),
                Key::Session(_) | Key::Setting(_) => {}
            }
        }
    }
    records.sort_unstable();
    records.dedup_by_key(|(link, _)| *link);
    documents.sort_unstable_by_key(|(kind, id)| (kind.name(), *id));
    documents.dedup();
    (records, documents)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::twin::DeviceId;

    fn link(id: &str) -> LinkId {
        LinkId { device: DeviceId::new(id).unwrap(), module: None }
    }

    fn job(batch: Vec<Change>) -> Job {
        Job { batch, answer: None }
    }

    fn document(id: &str, revision: u64) -> Change {
        Change::Document(Arc::new(Document { kind: Kind::Job, id: id.into(), revision, body: "{}".into() }))
    }

    #[test]
    fn a_row_is_written_once_in_a_group_and_in_order() {
        let delete = |id: &str| job(vec![Change::Delete { link: link(id), revision: 1 }]);
        let mut waiting = VecDeque::from([delete("a"), delete("b"), delete("a"), delete("c")]);
        assert_eq!(gather(&mut waiting, 9).len(), 2);
        assert_eq!(gather(&mut waiting, 1).len(), 1);
        let prefix = job(vec![Change::DeleteDocuments { kind: Kind::Job, prefix: "x".into() }]);
        waiting.push_back(prefix);
        assert_eq!([gather(&mut waiting, 9).len(), gather(&mut waiting, 9).len(), waiting.len()], [1, 1, 0]);
    }

    #[test]
    fn a_batch_of_which_one_change_does_not_hold_leaves_nothing() {
        let group = [
            job(vec![document("a", 0), document("b", 3)]),
            job(vec![document("c", 1), document("c", 2)]),
            job(vec![document("d", 0), document("e", 0)]),
        ];
        let mut found = Found::default();
        found.insert(Key::Document(Kind::Job, "b"), 4);
        found.insert(Key::Document(Kind::Job, "c"), 1);
        let plan = Plan::make(&group, found);
        assert_eq!(plan.outcomes, [Outcome::Conflict, Outcome::Written, Outcome::Written]);
        assert_eq!((plan.new_documents.len(), plan.documents.len()), (2, 2));
    }

    #[test]
    fn a_claim_holds_only_for_the_identity_that_was_believed() {
        let claim =
            |id: &str| job(vec![Change::Claim { link: link(id), ticket: 1, identity: "{}".into(), at: "T".into() }]);
        let group = [claim("a"), claim("b")];
        let mut found = Found::default();
        found.insert_same(link("b"));
        assert_eq!(Plan::make(&group, found).outcomes, [Outcome::Conflict, Outcome::Written]);
    }
}
