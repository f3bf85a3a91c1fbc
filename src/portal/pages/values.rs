//! The values of one device: wanted, live and reported side by side, with where they come from.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::{
    fleet::{
        Locator, Place,
        resolve::{Explained, Explanation, Facts, Role, Say},
    },
    plan::{DeviceVerdict, PlanError, PropertyVerdict, Verdict},
    portal::{Declared, Portal, model::shown, page::Time},
    reconcile::ports::TwinText,
    repo::{LineOrigin, Lines, Origins},
    report::short,
    twin::{Map, Properties, PropertyPath, Section, Twin, get, leaves},
};

/// Values that a table has at most: a twin of 32 kB may have thousands.
const MOST: usize = 500;

/// One declared value, or one that git wants to be gone.
pub(super) struct Line {
    pub(super) path: String,
    pub(super) word: &'static str,
    pub(super) wanted: String,
    pub(super) live: String,
    pub(super) reported: String,
    pub(super) age: Option<Time>,
    pub(super) message: Option<String>,
    /// Strongest first.
    pub(super) origins: Vec<Origin>,
}

/// Where a value, or one that lost against it, is written.
pub(super) struct Origin {
    pub(super) role: &'static str,
    pub(super) source: String,
    pub(super) place: String,
    pub(super) link: Option<String>,
    pub(super) commit: Option<Commit>,
}

/// Who wrote it.
pub(super) struct Commit {
    pub(super) id: String,
    pub(super) author: String,
    pub(super) day: String,
    pub(super) subject: String,
}

/// A value that nobody declared.
pub(super) struct Other {
    pub(super) path: String,
    pub(super) value: String,
}

/// All values of a device.
pub(super) struct Values {
    pub(super) lines: Vec<Line>,
    pub(super) foreign: Vec<Other>,
    pub(super) reported: Vec<Other>,
}

/// A device as it is, and what git says of it.
pub(super) struct Looked {
    pub(super) twin: Twin,
    pub(super) device: Option<DeviceVerdict>,
    explanation: Explanation,
}

impl Looked {
    /// Holds a twin against the fleet.
    pub(super) fn new(declared: &Declared, text: &TwinText) -> Result<Self, PlanError> {
        let (row, planner) = (text.row()?, &declared.planner);
        let (tags, reported) = (planner.deciding_tags(&row)?, row.properties.reported.values()?);
        let id = row.id()?;
        let facts = Facts { id: &id, tags: &tags, reported: Some(&reported), model_id: row.model_id.as_deref() };
        let explanation = planner.resolver().explain(&facts)?.unwrap_or_default();
        Ok(Self { device: planner.verdict(&row)?, twin: row.to_twin()?, explanation })
    }

    /// All values, and who wrote them.
    pub(super) async fn values(&self, portal: &Arc<Portal>, declared: &Declared) -> Values {
        let places = Places::of(&self.explanation, declared);
        let (asking, of, lines) = (Arc::clone(portal), declared.clone(), places.lines());
        let authors = spawn_blocking(move || asking.repository.authors(&of, &lines)).await.unwrap_or_default();
        let teller = Teller { looked: self, portal, places: &places, authors: &authors, declared };
        Values { lines: teller.lines(), foreign: teller.foreign(), reported: teller.reported() }
    }

    fn judged(&self) -> &[PropertyVerdict] {
        self.device.as_ref().map(|device| device.properties.as_slice()).unwrap_or_default()
    }
}

/// Where documents say what they say: file and line.
struct Places(BTreeMap<Place, (Arc<str>, usize)>);

impl Places {
    fn of(explanation: &Explanation, declared: &Declared) -> Self {
        let locator = Locator::new(&declared.source);
        let says = explanation.values.iter().flat_map(|value| &value.says);
        let found = says.filter_map(|say| {
            let found = locator.locate(&say.place)?;
            Some((say.place.clone(), (found.file, found.line)))
        });
        Self(found.collect())
    }

    fn lines(&self) -> Lines {
        let mut lines = Lines::new();
        for (file, line) in self.0.values() {
            lines.entry(Arc::clone(file)).or_default().insert(*line);
        }
        lines
    }
}

struct Teller<'a> {
    looked: &'a Looked,
    portal: &'a Portal,
    places: &'a Places,
    authors: &'a Origins,
    declared: &'a Declared,
}

impl Teller<'_> {
    fn lines(&self) -> Vec<Line> {
        let values = self.looked.explanation.values.iter().map(|value| self.declared_line(value));
        let is_explained = |path: &PropertyPath| {
            self.looked.explanation.values.iter().any(|value| value.path.is_within(path) || path.is_within(&value.path))
        };
        let rest =
            self.looked.judged().iter().filter(|judged| !is_explained(&judged.path)).map(|judged| self.line(judged));
        let mut lines: Vec<Line> = rest.chain(values).take(MOST).collect();
        // Whatever is not as it should be comes first; else the order of paths.
        lines.sort_by_key(|line| line.word == Verdict::Compliant.word());
        lines
    }

    fn declared_line(&self, value: &Explained) -> Line {
        let judged = self.looked.judged().iter().find(|judged| value.path.is_within(&judged.path));
        let hides = value.secret || judged.is_some_and(|judged| judged.secret);
        let text = |value: Option<&Value>| shown(value, hides);
        let exact = judged.filter(|judged| judged.path == value.path);
        let reported = match exact.and_then(|judged| judged.reported.as_ref()) {
            Some(reported) => Some(reported),
            None => self.answer(&value.path),
        };
        let origins = value.says.iter().map(|say| self.origin(say)).collect();
        let wanted = if value.value.is_null() { "(must not be there)".to_owned() } else { text(Some(&value.value)) };
        Line {
            path: value.path.to_string(),
            word: judged.map_or(Verdict::Compliant, |judged| judged.verdict).word(),
            wanted,
            live: text(self.live(&value.path)),
            reported: text(reported),
            age: self.age(&value.path, judged),
            message: judged.and_then(said),
            origins,
        }
    }

    fn line(&self, judged: &PropertyVerdict) -> Line {
        let text = |value: Option<&Value>| shown(value, judged.secret);
        Line {
            path: judged.path.to_string(),
            word: judged.verdict.word(),
            wanted: judged.wanted.as_ref().map_or_else(|| "(must not be there)".to_owned(), |value| text(Some(value))),
            live: text(judged.live.as_ref()),
            reported: text(judged.reported.as_ref()),
            age: self.age(&judged.path, Some(judged)),
            message: said(judged),
            origins: Vec::new(),
        }
    }

    fn live(&self, path: &PropertyPath) -> Option<&Value> {
        let twin = &self.looked.twin;
        get(if path.section == Section::Tags { &twin.tags } else { &twin.properties.desired.values }, &path.keys)
    }

    /// What the device reports at a path; the envelope of IoT Plug and Play is taken off.
    fn answer(&self, path: &PropertyPath) -> Option<&Value> {
        if path.section == Section::Tags {
            return None;
        }
        let reported = &self.looked.twin.properties.reported.values;
        let first = reported.get(&**path.keys.first()?)?;
        let found = path.keys.iter().skip(1).try_fold(first, |node, key| unwrapped(node).get(&**key));
        found.map(unwrapped)
    }

    fn age(&self, path: &PropertyPath, judged: Option<&PropertyVerdict>) -> Option<Time> {
        let since = judged.and_then(|judged| judged.since.as_deref()).and_then(Time::parse);
        since.or_else(|| {
            let desired = &self.looked.twin.properties.desired;
            (path.section == Section::Desired).then(|| written(desired, &path.keys)).flatten()
        })
    }

    fn origin(&self, say: &Say) -> Origin {
        let layer = self.looked.explanation.layers.get(say.layer);
        let place = self.places.0.get(&say.place);
        let commit = place.and_then(|place| self.authors.get(place)).map(Commit::of);
        let revision = self.declared.planner.revision();
        Origin {
            role: match say.role {
                Role::Sets => "set by",
                Role::Agrees => "also by",
                Role::Overridden => "over",
            },
            source: layer.map(|layer| layer.source.to_string()).unwrap_or_default(),
            place: place.map_or_else(|| say.place.file.to_string(), |(file, line)| format!("{file}:{line}")),
            link: place.and_then(|(file, line)| self.portal.repository.web_address(revision, file, *line)),
            commit,
        }
    }

    /// What the hub holds and nobody declared.
    fn foreign(&self) -> Vec<Other> {
        let twin = &self.looked.twin;
        let sections = [(Section::Tags, &twin.tags), (Section::Desired, &twin.properties.desired.values)];
        let all = sections.into_iter().flat_map(|(section, values)| self.leaves(section, values));
        all.filter(|(path, _)| !self.is_known(path)).take(MOST).map(|(_, other)| other).collect()
    }

    fn reported(&self) -> Vec<Other> {
        let all = self.leaves(Section::Reported, &self.looked.twin.properties.reported.values);
        all.map(|(_, other)| other).take(MOST).collect()
    }

    fn leaves(&self, section: Section, values: &Map) -> impl Iterator<Item = (PropertyPath, Other)> {
        let other = |leaf: crate::twin::Leaf<'_>| {
            let path = section.path(leaf.keys.iter().cloned());
            let hides = self.is_secret(&path, leaf.value);
            let other = Other { path: path.to_string(), value: shown(Some(leaf.value), hides) };
            (path, other)
        };
        leaves(values).into_iter().map(other).collect::<Vec<_>>().into_iter()
    }

    fn is_known(&self, path: &PropertyPath) -> bool {
        let near = |other: &PropertyPath| other.is_within(path) || path.is_within(other);
        self.looked.explanation.values.iter().any(|value| near(&value.path))
            || self.looked.judged().iter().any(|judged| near(&judged.path))
    }

    /// A schema marks it, or it is where a secret is wanted, be that under desired or reported.
    fn is_secret(&self, path: &PropertyPath, value: &Value) -> bool {
        let wanted = Section::Desired.path(path.keys.iter().cloned());
        let is_near = |other: &PropertyPath| {
            let shared = other.keys.iter().zip(wanted.keys.iter()).take_while(|(a, b)| a == b).count();
            other.section == wanted.section && shared == other.keys.len().min(wanted.keys.len())
                || unwrapped_within(&other.keys, &wanted.keys)
        };
        let declared = self.looked.explanation.values.iter().filter(|value| value.secret).map(|value| &value.path);
        let judged = self.looked.judged().iter().filter(|judged| judged.secret).map(|judged| &judged.path);
        let registry = self.declared.planner.resolver().registry();
        registry.is_sensitive(&path.keys, value) || declared.chain(judged).any(is_near)
    }
}

/// Whether a reported path is that of a declared one, its envelope's `value` left aside.
fn unwrapped_within(declared: &[Arc<str>], reported: &[Arc<str>]) -> bool {
    let bare: Vec<&Arc<str>> = reported.iter().filter(|key| &***key != "value").collect();
    let shared = declared.iter().zip(&bare).take_while(|(a, b)| a == *b).count();
    shared > 0 && shared == declared.len().min(bare.len())
}

fn unwrapped(node: &Value) -> &Value {
    match node.get("value").filter(|_| node.get("ac").is_some()) {
        Some(value) => value,
        None => node,
    }
}

fn said(judged: &PropertyVerdict) -> Option<String> {
    let by = judged.by.as_ref().map(|by| format!("written by the configuration {by}"));
    judged.message.clone().or(by)
}

/// When the node nearest to these keys was last written.
fn written(section: &Properties, keys: &[Arc<str>]) -> Option<Time> {
    let stamp = |n: usize| section.metadata_at(keys.get(..n)?)?.get("$lastUpdated")?.as_str().map(str::to_owned);
    (0..=keys.len()).rev().find_map(stamp).and_then(|time| Time::parse(&time))
}

impl Commit {
    fn of(origin: &LineOrigin) -> Self {
        match origin {
            LineOrigin::Uncommitted => {
                let (author, day, subject) = (String::new(), String::new(), String::new());
                Self { id: "uncommitted".to_owned(), author, day, subject }
            }
            LineOrigin::Commit { commit, .. } => Self {
                id: short(&commit.id).to_owned(),
                author: commit.author.clone(),
                day: commit.time.strftime("%Y-%m-%d").to_string(),
                subject: commit.subject.clone(),
            },
        }
    }
}
