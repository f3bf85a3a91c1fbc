//! From one twin to the change that it needs.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use serde_json::Value;

use super::{
    class::{ByIdentity, Class},
    diff::{self, Change},
    marker::{self, Marker, Signature},
    patch, redact,
    rival::{self, Returned, Rival},
    rollout::Member,
    whole,
};
use crate::{
    fleet::{
        Fleet, Wanted,
        resolve::{Facts, Resolver, Unresolved},
    },
    twin::{DeviceId, Map, PropertyPath, RowError, Section, TwinRow, leaves, remove_path},
};

/// Earlier revisions of the fleet.
pub trait Bases: Send + Sync {
    /// The fleet as `revision` declared it; `None` when that revision is not to be had here.
    fn base(&self, revision: &str) -> Option<Arc<Resolver>>;
}

/// Every revision is unknown: for a fleet without history.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoBases;

impl Bases for NoBases {
    fn base(&self, _: &str) -> Option<Arc<Resolver>> {
        None
    }
}

/// Compares twins with a revision of a fleet, one at a time, from any number of threads.
pub struct Planner {
    current: Arc<Resolver>,
    revision: Arc<str>,
    bases: Box<dyn Bases>,
    ignored: Vec<PropertyPath>,
    classes: RwLock<HashMap<(ByIdentity, ByIdentity), Arc<Class>>>,
    /// Subjects by the text of their tags, where nothing but tags decides: most twins of a large fleet.
    by_tags: RwLock<HashMap<Box<str>, Subject>>,
}

/// Most entries of a cache; it starts anew beyond that, so that a fleet of a million unlike twins stays small.
const CACHED: usize = 8192;

/// Why one twin could not be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The hub's answer is no twin.
    #[error("a twin of the hub cannot be read")]
    Row(#[from] RowError),
    /// The fleet contradicts itself, or lacks a value, for this device.
    #[error("the fleet does not say what this device should be")]
    Unresolved(#[from] Unresolved),
}

/// What is known of a twin before its values are compared.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) class: Arc<Class>,
    /// Some document applies.
    pub(super) selected: bool,
    /// The twin carries our marker.
    pub(super) managed: bool,
    /// The marker names a revision that is not to be had: nothing may be pruned.
    pub(super) base_lost: Option<Arc<str>>,
    /// Other fleets that have a marker on the twin.
    pub(super) others: Option<Arc<str>>,
    /// The commit that the marker names.
    pub(super) revision: Option<Arc<str>>,
    /// How often values came back, by the marker.
    pub(super) returned: Arc<Returned>,
    /// Its place in a rollout.
    pub(super) member: Option<Arc<Member>>,
}

impl Subject {
    /// Whether the marker names this commit.
    pub(super) fn is_at(&self, revision: &str) -> bool {
        self.revision.as_deref() == Some(revision)
    }
}

/// What one twin needs.
#[derive(Debug, Clone)]
pub struct DeviceChange {
    /// What changes; empty when only the marker is written.
    pub(super) changes: Vec<(Section, Change)>,
    /// The body of the PATCH, as JSON text.
    pub(super) patch: String,
    /// The body of the PATCH that comes before it, if there has to be one.
    pub(super) before: Option<String>,
    /// What is wanted, which names the origins, and where secrets are.
    pub(super) class: Arc<Class>,
    /// Where a value is replaced that we never declared, and the fleets that have a marker on the twin besides.
    pub(super) claims: Vec<(PropertyPath, Arc<str>)>,
    /// The commit that the twin was last brought to.
    pub(super) revision: Option<Arc<str>>,
    /// A rollout takes a commit back: what is wanted stands in the one before it.
    pub(super) goes_back: bool,
}

impl DeviceChange {
    /// The body of the PATCH, as JSON text.
    pub fn patch(&self) -> &str {
        &self.patch
    }

    /// The body of the PATCH that comes before it, where a device must not see how a component is taken apart.
    pub fn before(&self) -> Option<&str> {
        self.before.as_deref()
    }

    /// Whether values change, rather than the marker alone.
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Where a value is replaced that this fleet never declared, with the other fleets whose marker the twin carries.
    pub fn claims(&self) -> &[(PropertyPath, Arc<str>)] {
        &self.claims
    }

    /// Where values change.
    pub fn paths(&self) -> impl Iterator<Item = PropertyPath> {
        self.changes.iter().map(|(section, change)| section.path(change.keys.iter().cloned()))
    }
}

/// How a twin stands to the plan.
#[derive(Debug, Clone)]
pub struct Look {
    /// What to write, if anything.
    pub change: Option<DeviceChange>,
    /// The twin carries our marker.
    pub managed: bool,
    /// Some document applies.
    pub selected: bool,
    /// The revision that its marker names and that is not to be had.
    pub base_lost: Option<Arc<str>>,
    /// Paths that somebody else writes too: left alone.
    pub contested: Vec<(PropertyPath, Rival)>,
    /// What is wanted of it; shared by all devices of its class.
    pub(super) wanted: Arc<Wanted>,
    /// Its place in a rollout.
    pub(super) member: Option<Arc<Member>>,
}

impl Planner {
    /// A planner towards `current`, which stands at `revision`.
    pub fn new(current: Arc<Resolver>, revision: &str, bases: Box<dyn Bases>, today: jiff::civil::Date) -> Self {
        let ignored = ignored(current.fleet(), today);
        Self {
            current,
            revision: revision.into(),
            bases,
            ignored,
            classes: RwLock::default(),
            by_tags: RwLock::default(),
        }
    }

    /// The fleet that is planned for.
    pub fn fleet(&self) -> &Fleet {
        self.current.fleet()
    }

    /// The revision that is planned towards.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The documents of that revision.
    pub fn resolver(&self) -> &Arc<Resolver> {
        &self.current
    }

    /// Compares one twin.
    ///
    /// # Errors
    /// When the twin cannot be read, or the fleet does not say what this device should be.
    pub fn look(&self, row: &TwinRow<'_>) -> Result<Look, PlanError> {
        let subject = self.subject(row)?;
        let mut look = Look {
            change: None,
            managed: subject.managed,
            selected: subject.selected,
            base_lost: subject.base_lost.clone(),
            contested: Vec::new(),
            wanted: Arc::clone(&subject.class.wanted),
            member: subject.member.clone(),
        };
        if !subject.selected && !subject.managed {
            return Ok(look);
        }
        let all = self.changes(&subject, row)?;
        let changes = self.without_rivals(row, &subject, &all, &mut look)?;
        if must_write(&subject, row, &changes) {
            let signature = self.signature(subject.member.as_deref());
            let (before, patch) = patch::bodies(self, &subject, row, &all, &changes, &signature)?;
            let (class, claims) = (subject.class.clone(), claims(&subject, &changes));
            let revision = subject.revision.clone();
            look.change = Some(DeviceChange { changes, patch, before, class, claims, revision, goes_back: false });
        }
        Ok(look)
    }

    /// What the marker will say. On a device of a rollout it keeps the commit to go back to: the one before, or, when the
    /// twin already has what is wanted now, the one before that.
    fn signature<'a>(&'a self, member: Option<&'a Member>) -> Signature<'a> {
        let mark = member.and_then(|member| member.mark.as_ref());
        let previous = mark.and_then(|mark| {
            if mark.content == self.current.content() { mark.previous.as_deref() } else { Some(&*mark.revision) }
        });
        Signature { revision: &self.revision, previous, rejected: None }
    }

    /// The twin of a device that is not registered yet, as JSON text: it will be empty.
    pub(super) fn new_twin(device: &DeviceId) -> String {
        serde_json::json!({ "deviceId": device }).to_string()
    }

    /// The tags that decide which documents apply to a twin: the live ones, without those that only an earlier revision
    /// declared.
    ///
    /// # Errors
    /// When the twin cannot be read.
    pub fn deciding_tags(&self, row: &TwinRow<'_>) -> Result<Map, PlanError> {
        let (id, tags) = (row.id()?, row.tags()?);
        let Some(marker) = Marker::find(&self.fleet().name, &tags) else { return Ok(tags) };
        let reported = row.properties.reported.values()?;
        let facts = Facts { id: &id, tags: &tags, reported: Some(&reported), model_id: row.model_id.as_deref() };
        let base = self.base(&facts, &marker).wanted;
        Ok(remaining(&tags, base.as_deref()).into_owned())
    }

    /// The documents that apply to a twin, and the ones that did.
    pub(super) fn subject(&self, row: &TwinRow<'_>) -> Result<Subject, PlanError> {
        let text = row.tags.map_or("", serde_json::value::RawValue::get);
        let by_tags = self.current.tags_decide() && !self.fleet().devices.contains_key(&*row.device_id);
        if by_tags && let Some(known) = read(&self.by_tags).get(text) {
            return Ok(known.clone());
        }
        let (subject, base_by_tags) = self.resolve(row)?;
        if by_tags && base_by_tags {
            let mut cache = write(&self.by_tags);
            if cache.len() >= CACHED {
                cache.clear();
            }
            cache.insert(text.into(), subject.clone());
        }
        Ok(subject)
    }

    fn resolve(&self, row: &TwinRow<'_>) -> Result<(Subject, bool), PlanError> {
        let (id, tags) = (row.id()?, row.tags()?);
        let reported = if self.current.needs_reported() { Some(row.properties.reported.values()?) } else { None };
        let facts = Facts { id: &id, tags: &tags, reported: reported.as_ref(), model_id: row.model_id.as_deref() };
        let marker = Marker::find(&self.fleet().name, &tags);
        let base = match &marker {
            Some(marker) => self.base(&facts, marker),
            None => Base { wanted: None, lost: false, by_tags: true },
        };
        let remaining = remaining(&tags, base.wanted.as_deref());
        let wanted = self.current.wanted(&Facts { tags: &remaining, ..facts })?;
        let base_lost = base.lost.then(|| marker.as_ref().map(|m| m.revision.as_ref().into())).flatten();
        let (selected, managed, by_tags) = (wanted.is_some(), marker.is_some(), base.by_tags);
        let others = marker::others(&self.fleet().name, &tags);
        let member = self.member(&Facts { tags: &remaining, ..facts }, marker.as_ref(), wanted.as_deref());
        let class = self.class(wanted, base.wanted);
        let revision = marker.as_ref().map(|marker| marker.revision.as_ref().into());
        let returned = Arc::new(marker.as_ref().map(rival::returned).unwrap_or_default());
        Ok((Subject { class, selected, managed, base_lost, others, revision, returned, member }, by_tags))
    }

    pub(super) fn base(&self, facts: &Facts<'_>, marker: &Marker<'_>) -> Base {
        let Some(resolver) = self.at(&marker.revision) else { return Base { wanted: None, lost: true, by_tags: true } };
        let sources: Vec<&str> = marker.sources.iter().map(AsRef::as_ref).collect();
        // A base that cannot be resolved any more is as good as none: nothing is pruned by it.
        match resolver.from_sources(facts, &sources) {
            Ok(wanted) => Base { wanted, lost: false, by_tags: resolver.tags_decide() },
            Err(_) => Base { wanted: None, lost: true, by_tags: false },
        }
    }

    pub(super) fn at(&self, revision: &str) -> Option<Arc<Resolver>> {
        if *revision == *self.revision { Some(self.current.clone()) } else { self.bases.base(revision) }
    }

    pub(super) fn class(&self, wanted: Option<Arc<Wanted>>, base: Option<Arc<Wanted>>) -> Arc<Class> {
        let key = (ByIdentity(wanted), ByIdentity(base));
        if let Some(known) = read(&self.classes).get(&key) {
            return known.clone();
        }
        let class = Arc::new(Class::new(key.0.0.clone(), key.1.0.clone()));
        let mut cache = write(&self.classes);
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.entry(key).or_insert(class).clone()
    }

    /// The three-way comparison of every component that wanted or base speaks of.
    pub(super) fn changes(&self, subject: &Subject, row: &TwinRow<'_>) -> Result<Vec<(Section, Change)>, PlanError> {
        let mut found = Vec::new();
        let mut changes = Vec::new();
        for component in &subject.class.components {
            if component.is_exactly(row.properties.desired.member(&component.name)) {
                continue;
            }
            let live = row.properties.desired.value(&component.name)?;
            let (wanted, base) = (component.wanted.as_ref(), component.base.as_ref());
            diff::component(&component.name, wanted, base, live.as_ref(), &mut found);
            if let Some(live) = &live {
                whole::resume(self.current.registry(), &component.name, subject, live, &mut found);
            }
        }
        changes.extend(found.drain(..).map(|change| (Section::Desired, change)));
        if !subject.class.tags.is_empty() {
            let tags = row.tags()?;
            for tag in &subject.class.tags {
                let (wanted, base) = (tag.wanted.as_ref(), tag.base.as_ref());
                diff::component(&tag.name, wanted, base, tags.get(&tag.name), &mut found);
            }
        }
        changes.extend(found.into_iter().map(|change| (Section::Tags, change)));
        Ok(changes)
    }

    /// The changes without what somebody else answers for.
    pub(super) fn without_rivals(
        &self,
        row: &TwinRow<'_>,
        subject: &Subject,
        all: &[(Section, Change)],
        look: &mut Look,
    ) -> Result<Vec<(Section, Change)>, PlanError> {
        if all.is_empty() {
            return Ok(Vec::new());
        }
        let metadata = match row.properties.desired.metadata {
            Some(text) if text.get().contains("$lastUpdatedBy\"") => {
                serde_json::from_str(text.get()).map_err(RowError::from)?
            }
            _ => Value::Null,
        };
        let applied = if metadata.is_null() { Map::new() } else { rival::applied(row)? };
        let mut ours = Vec::with_capacity(all.len());
        for (section, change) in all {
            let path = section.path(change.keys.iter().cloned());
            if self.is_ignored(&path) {
                continue;
            }
            match rival::of(*section, change, &metadata, &applied, &subject.returned) {
                Some(rival) => look.contested.push((path, rival)),
                None => ours.push((*section, change.clone())),
            }
        }
        Ok(ours)
    }

    /// Whether a path is left alone by an `ignore` entry that has not expired.
    pub(super) fn is_ignored(&self, path: &PropertyPath) -> bool {
        marker::is_ours(path) || self.ignored_by(path).is_some()
    }

    /// The patch of a change with `(secret)` where secrets are; `None` where it holds none.
    pub fn redacted(&self, change: &DeviceChange) -> Option<String> {
        redact::redacted(self, &change.class, &change.patch)
    }

    /// Whether a schema marks one of these values of the twin as secret.
    pub(super) fn marks<'v>(&self, path: &PropertyPath, values: impl IntoIterator<Item = &'v Option<Value>>) -> bool {
        let marked = |value: &Value| self.current.registry().is_sensitive(&path.keys, value);
        path.section != Section::Tags && values.into_iter().flatten().any(marked)
    }

    /// The path of the `ignore` entry that has a say over this one.
    pub(super) fn ignored_by(&self, path: &PropertyPath) -> Option<&PropertyPath> {
        self.ignored.iter().find(|ignored| path.is_within(ignored))
    }
}

/// The component of our own agent: reported by it alone.
pub(super) const AGENT: &str = "twinops";

/// Whether our agent runs on the device: it answers for a commit as a whole.
pub(super) fn has_agent(row: &TwinRow<'_>) -> bool {
    row.properties.reported.member(AGENT).is_some()
}

/// The tags that this plan leaves for selectors to look at: not those that only an earlier revision declared. What is
/// still declared lies over them.
pub(super) fn remaining<'t>(live: &'t Map, base: Option<&Wanted>) -> Cow<'t, Map> {
    let mut tags = Cow::Borrowed(live);
    for leaf in base.map(|base| leaves(&base.tags)).unwrap_or_default() {
        remove_path(tags.to_mut(), &leaf.keys);
    }
    tags
}

/// Whether a twin has to be written even so, or at all.
fn must_write(subject: &Subject, row: &TwinRow<'_>, changes: &[(Section, Change)]) -> bool {
    if !changes.is_empty() {
        return true;
    }
    if subject.base_lost.is_some() {
        return false;
    }
    let first_time = !subject.managed || !subject.selected;
    let agent_uninformed = subject.selected && has_agent(row) && row.properties.desired.member(AGENT).is_none();
    first_time || subject.class.owns_other_paths || agent_uninformed
}

/// Values that nobody of this fleet has put there, on a twin that another fleet manages too.
fn claims(subject: &Subject, changes: &[(Section, Change)]) -> Vec<(PropertyPath, Arc<str>)> {
    let Some(others) = &subject.others else { return Vec::new() };
    let is_foreign = |(section, change): &&(Section, Change)| {
        change.from.is_some() && change.to.is_some() && !subject.class.declared_before(*section, &change.keys)
    };
    let claimed = changes.iter().filter(is_foreign);
    claimed.map(|(section, change)| (section.path(change.keys.iter().cloned()), Arc::clone(others))).collect()
}

pub(super) struct Base {
    pub(super) wanted: Option<Arc<Wanted>>,
    lost: bool,
    by_tags: bool,
}

/// The paths of all entries that are still valid today.
fn ignored(fleet: &Fleet, today: jiff::civil::Date) -> Vec<PropertyPath> {
    let valid = |until: &str| until.parse::<jiff::civil::Date>().is_ok_and(|until| until >= today);
    fleet.spec.ignore.iter().filter(|entry| valid(&entry.until)).filter_map(|entry| entry.path.parse().ok()).collect()
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
