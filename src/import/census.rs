//! The twins as they come, one at a time; of each only what it does not share with others is kept.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value, value::RawValue};

use super::{
    Options,
    forms::{Form, Forms},
    judge::{Candidate, Judge, Verdict},
    names::fingerprint,
    scope::Scope,
    tags::{Fact, Tags},
    v1,
};
use crate::{
    component::Registry,
    query::{Condition, FieldPath},
    twin::{HUB_MEMBERS, Map, RowError, Section, TwinRow, set_path},
};

/// Candidates that are judged together.
const BATCH: usize = 2048;
/// What twinops writes itself, in tags and in desired properties.
const OURS: &str = "twinops";

/// One device.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: Box<str>,
    pub(super) facts: Box<[Fact]>,
    /// Its form of each component that it has.
    pub(super) forms: Box<[(u32, u32)]>,
    /// All of its tags as text, when they are to be declared.
    tags: Option<Box<str>>,
}

/// Something that is not imported, and of how many devices.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// Its dotted path.
    pub path: String,
    /// Why.
    pub reason: String,
    /// How many devices have it.
    pub devices: u64,
}

/// Every twin that was taken.
#[derive(Debug)]
pub(super) struct Census {
    options: Options,
    pub(super) scope: Scope,
    tag_scope: Scope,
    /// Names that lead on to components: `windows`.
    groups: BTreeSet<String>,
    pub(super) tags: Tags,
    pub(super) forms: Forms,
    pub(super) devices: Vec<Member>,
    pub(super) judge: Judge,
    pending: Vec<Candidate>,
    /// Why forms are left out, and where secrets are.
    reasons: BTreeMap<(u32, u32), String>,
    secrets: BTreeMap<(u32, u32), Vec<String>>,
    /// What was said of conversions, and of how many devices.
    notes: BTreeMap<(String, String), u64>,
    converter: v1::Converter,
    /// Tags of `--where`: they stand in every profile's condition.
    asked: Vec<Vec<String>>,
}

impl Census {
    pub(super) fn new(options: Options, registry: &Arc<Registry>) -> Self {
        let prefixes = |name: &str| {
            let ends: Vec<String> = name.match_indices('.').map(|(at, _)| name[..at].to_owned()).collect();
            ends
        };
        let paths = registry.iter().map(|component| component.keys().collect::<Vec<_>>().join("."));
        let groups = paths.flat_map(|path| prefixes(&path)).filter(|path| registry.at(path).is_none()).collect();
        let asked = options.condition.as_ref().and_then(|text| Condition::parse(text).ok());
        let path = |path: &FieldPath| path.segments().skip(1).map(str::to_owned).collect();
        let asked = asked.iter().flat_map(Condition::paths).filter(|path| path.root() == "tags").map(path).collect();
        Self {
            scope: Scope::of(Section::Desired, &options.only, &options.skip),
            tag_scope: Scope::of(Section::Tags, &options.only, &options.skip),
            groups,
            tags: Tags::default(),
            forms: Forms::default(),
            devices: Vec::new(),
            judge: Judge::new(Arc::clone(registry), options.placeholders),
            pending: Vec::new(),
            reasons: BTreeMap::new(),
            secrets: BTreeMap::new(),
            notes: BTreeMap::new(),
            converter: v1::Converter::new(options.today),
            asked,
            options,
        }
    }

    /// Takes one twin.
    pub(super) fn take(&mut self, row: &TwinRow<'_>) -> Result<(), RowError> {
        let id = row.id()?;
        let mut tags = row.tags()?;
        HUB_MEMBERS.into_iter().chain([OURS]).for_each(|name| _ = tags.remove(name));
        let tags = self.tag_scope.members(&mut Vec::new(), tags);
        let mut forms = Vec::new();
        let converted = if self.options.convert { v1::ROOT } else { OURS };
        let members = row.properties.desired.members.iter();
        for (name, text) in members.filter(|(name, _)| name != OURS && name != converted) {
            self.member(&mut vec![name.as_ref().into()], text, &mut forms)?;
        }
        if self.options.convert {
            self.convert(row, &mut forms)?;
        }
        forms.sort_unstable();
        self.devices.push(Member {
            id: id.as_str().into(),
            facts: self.tags.facts(&tags),
            forms: forms.into(),
            tags: self.options.tags.then(|| Value::Object(tags).to_string().into()),
        });
        if self.pending.len() >= BATCH {
            self.judge();
        }
        Ok(())
    }

    /// A member of desired: a component, or a name that leads on to some.
    fn member(&mut self, keys: &mut Vec<Arc<str>>, text: &RawValue, out: &mut Vec<(u32, u32)>) -> Result<(), RowError> {
        if !self.groups.is_empty() && self.groups.contains(&keys.join(".")) {
            if let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(text.get()) {
                for (key, text) in members {
                    keys.push(key.into());
                    self.member(keys, text, out)?;
                    keys.pop();
                }
            } else {
                self.note(
                    &format!("properties.desired.{}", keys.join(".")),
                    "it is no object, but leads on to components",
                );
            }
            return Ok(());
        }
        let component = self.forms.component(keys);
        let raw = fingerprint(text.get());
        let form = if let Some(form) = self.forms.known(component, raw) {
            form
        } else {
            let value: Value = serde_json::from_str(text.get())?;
            self.form(component, Some(raw), keys, value)
        };
        self.add(component, form, out);
        Ok(())
    }

    fn convert(&mut self, row: &TwinRow<'_>, out: &mut Vec<(u32, u32)>) -> Result<(), RowError> {
        let Some(text) = row.properties.desired.member(v1::ROOT) else { return Ok(()) };
        let converted = self.converter.convert(text)?;
        for (path, reason) in &converted.notes {
            self.note(path, reason);
        }
        for (name, value) in &converted.components {
            let mut keys = vec![Arc::from(name.as_str())];
            let component = self.forms.component(&keys);
            if out.iter().any(|(taken, _)| *taken == component) {
                self.note(
                    &format!("properties.desired.{}", v1::ROOT),
                    &format!("the twin has `{name}` already, and keeps it"),
                );
                continue;
            }
            let form = self.form(component, None, &mut keys, value.clone());
            self.add(component, form, out);
        }
        Ok(())
    }

    fn form(&mut self, component: u32, raw: Option<u128>, keys: &mut Vec<Arc<str>>, value: Value) -> u32 {
        let is_live = raw.is_some();
        let value = self.scope.part(keys, value);
        let (form, fresh) = self.forms.form(component, raw, value.as_ref());
        if let (true, Some(live)) = (fresh, value) {
            self.pending.push(Candidate { component, form, keys: keys.clone(), live, is_live });
        }
        form
    }

    fn add(&mut self, component: u32, form: u32, out: &mut Vec<(u32, u32)>) {
        if form != super::forms::ABSENT {
            self.forms.count(component, form);
            out.push((component, form));
        }
    }

    fn note(&mut self, path: &str, reason: &str) {
        *self.notes.entry((path.to_owned(), reason.to_owned())).or_default() += 1;
    }

    /// Judges what waits.
    pub(super) fn judge(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        for (verdict, candidate) in self.judge.judge(&pending).into_iter().zip(&pending) {
            let key = (candidate.component, candidate.form);
            match verdict {
                Verdict::Declare(value) => self.forms.declare(candidate.component, candidate.form, value),
                Verdict::Secret(paths) => _ = self.secrets.insert(key, paths),
                Verdict::Leave(reason) => _ = self.reasons.insert(key, reason),
            }
        }
    }

    /// Leaves a component out altogether: its parts cannot stand in documents of their own.
    pub(super) fn leave(&mut self, component: u32, reason: &str) {
        for (at, form) in self.forms.components[component as usize].forms.iter_mut().enumerate() {
            if matches!(form, Form::Declared(_)) {
                *form = Form::Left;
                self.reasons.insert((component, super::names::number(at)), reason.to_owned());
            }
        }
    }

    /// Paths that hold secrets, and of how many devices.
    pub(super) fn secrets(&self) -> BTreeMap<String, u64> {
        let mut found: BTreeMap<String, u64> = BTreeMap::new();
        for (key, paths) in &self.secrets {
            for path in paths {
                *found.entry(path.clone()).or_default() += self.holders(*key);
            }
        }
        found
    }

    /// What is not imported, and what was said of it.
    pub(super) fn left_out(&self) -> Vec<LeftOut> {
        let mut found: BTreeMap<(String, String), u64> = self.notes.clone();
        for (key, reason) in &self.reasons {
            let path = format!("properties.desired.{}", self.forms.name(key.0));
            *found.entry((path, reason.clone())).or_default() += self.holders(*key);
        }
        found.into_iter().map(|((path, reason), devices)| LeftOut { path, reason, devices }).collect()
    }

    fn holders(&self, (component, form): (u32, u32)) -> u64 {
        self.forms.components[component as usize].devices[form as usize].into()
    }

    /// A profile's condition: the one that the import was narrowed down by holds too.
    pub(super) fn condition(&self, own: Option<String>) -> Option<String> {
        match (&self.options.condition, own) {
            (Some(asked), Some(own)) => Some(format!("({asked}) AND {own}")),
            (Some(asked), None) => Some(asked.clone()),
            (None, own) => own,
        }
    }

    /// Whether every device gets a document.
    pub(super) fn declares_all(&self) -> bool {
        self.options.tags
    }

    /// The tags that a device's document declares: all, or `own` and those that the import was narrowed down by.
    pub(super) fn declared_tags(&self, member: &Member, own: &Map) -> Map {
        if let Some(text) = &member.tags {
            return escaped(serde_json::from_str(text).unwrap_or_default());
        }
        let mut tags = own.clone();
        for (key, literal) in &member.facts {
            let keys = self.tags.keys(*key);
            if self.asked.iter().any(|asked| asked.iter().map(String::as_str).eq(keys.iter().map(AsRef::as_ref))) {
                set_path(&mut tags, keys, super::tags::value(self.tags.literal(*literal)));
            }
        }
        escaped(tags)
    }
}

fn escaped(tags: Map) -> Map {
    match super::judge::escaped(&Value::Object(tags)) {
        Value::Object(tags) => tags,
        _ => Map::new(),
    }
}
