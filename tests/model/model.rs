//! What a hub is expected to do: twins in memory (protocol reference 2.5, 4, 5, 11), as plainly as they can be told.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::{
    effects::{Effects, Name},
    operation::{DESIRED, Match, Operation, RESPONSES},
    rules::{Section, difference, fits, has_dollar, merge},
};

/// All devices and modules that there are.
#[derive(Default)]
pub(crate) struct Model {
    entries: BTreeMap<Name, Entry>,
    /// How many keys were made.
    keys: u64,
}

#[derive(Default)]
struct Entry {
    disabled: bool,
    /// Which keys it has; 0 are those that the operator chose.
    keys: u64,
    tags: Option<Map<String, Value>>,
    desired: Half,
    reported: Half,
    /// Writes of tags and desired properties, and of the reported ones.
    writes: u64,
    reports: u64,
    /// Subscriptions of the session that the hub remembers.
    kept: BTreeSet<Name>,
    link: Option<Link>,
}

#[derive(Default, Clone)]
struct Half {
    values: Map<String, Value>,
    writes: u64,
}

struct Link {
    clean: bool,
    filters: BTreeSet<Name>,
}

impl Half {
    fn version(&self) -> u64 {
        self.writes + 1
    }

    fn shown(&self) -> Value {
        with_version(self.values.clone(), self.version())
    }
}

fn with_version(mut values: Map<String, Value>, version: u64) -> Value {
    values.insert("$version".to_owned(), version.into());
    values.into()
}

pub(crate) fn device_of(name: &str) -> &str {
    name.split_once('/').map_or(name, |(device, _)| device)
}

fn is_module(name: &str) -> bool {
    name.contains('/')
}

impl Model {
    /// Carries an operation out.
    pub(crate) fn apply(&mut self, operation: &Operation) -> Effects {
        let mut effects = Effects::default();
        let result = match operation {
            Operation::Put { name, if_match, disabled, new_keys } => {
                self.put(name, *if_match, *disabled, *new_keys, &mut effects)
            }
            Operation::Delete { name, if_match } => self.delete(name, *if_match, &mut effects),
            Operation::Write { name, replaces, tags, desired, if_match } => {
                let sections = (tags.as_ref(), desired.as_ref());
                self.write(name, *replaces, sections, *if_match, &mut effects)
            }
            Operation::Connect { name, clean, wrong_key, filters } => {
                self.connect(name, *clean, *wrong_key, filters, &mut effects)
            }
            other => {
                self.apply_by_device(other, &mut effects);
                Ok(())
            }
        };
        effects.error = result.err().map(str::to_owned);
        effects
    }

    /// What has no answer, or none that could be an error.
    fn apply_by_device(&mut self, operation: &Operation, effects: &mut Effects) {
        match operation {
            Operation::Subscribe { name, filter } => self.subscribe(name, |filters| filters.insert(*filter)),
            Operation::Unsubscribe { name, filter } => self.subscribe(name, |filters| filters.remove(*filter)),
            Operation::Disconnect { name, .. } => self.leave(name),
            Operation::Report { name, patch, version } => self.report(name, patch, *version, effects),
            Operation::Get { name } => {
                let twin = self
                    .entries
                    .get(name)
                    .map(|one| json!({ "desired": one.desired.shown(), "reported": one.reported.shown() }));
                let topic = "$iothub/twin/res/200/?$rid=r".to_owned();
                self.tell(name, RESPONSES, topic, twin.unwrap_or_default(), effects);
            }
            Operation::Query { modules, condition } => {
                let all = self.entries.keys().filter(|name| is_module(name) == *modules);
                let documents = all.filter_map(|name| self.document(name));
                effects.rows = documents.filter(|one| condition.holds(one) == Some(true)).collect();
            }
            _ => self.entries.keys().copied().collect::<Vec<_>>().into_iter().for_each(|name| self.cut(name, effects)),
        }
    }

    /// The twin as far as it is foreseen.
    pub(crate) fn document(&self, name: &str) -> Option<Value> {
        let one = self.entries.get(name)?;
        let is_disabled = self.entries.get(device_of(name)).is_some_and(|device| device.disabled);
        let mut document = json!({
            "deviceId": device_of(name),
            "etag": STANDARD.encode((one.writes + 1).to_be_bytes()),
            "version": one.writes + one.reports + 2,
            "status": if is_disabled { "disabled" } else { "enabled" },
            "connectionState": if one.link.is_some() { "Connected" } else { "Disconnected" },
            "properties": { "desired": one.desired.shown(), "reported": one.reported.shown() },
        });
        if let Some((_, module)) = name.split_once('/') {
            document["moduleId"] = module.into();
        }
        if let Some(tags) = &one.tags {
            document["tags"] = tags.clone().into();
        }
        Some(document)
    }

    fn put(&mut self, name: Name, if_match: Match, disabled: bool, new_keys: bool, effects: &mut Effects) -> Outcome {
        self.check_identity(name, if_match != Match::Absent, if_match)?;
        self.keys += 1;
        let keys = if new_keys { self.keys } else { 0 };
        let disabled = disabled && !is_module(name);
        let one = self.entries.entry(name).or_default();
        let is_other = one.keys != keys;
        (one.keys, one.disabled) = (keys, disabled);
        if is_other || disabled {
            self.cut(name, effects);
        }
        for other in self.family(name) {
            if disabled {
                self.cut(other, effects);
            }
        }
        Ok(())
    }

    fn delete(&mut self, name: Name, if_match: Match, effects: &mut Effects) -> Outcome {
        self.check_identity(name, true, if_match)?;
        if if_match == Match::Absent {
            return Err("PreconditionFailed");
        }
        for gone in self.family(name) {
            self.cut(gone, effects);
            self.entries.remove(gone);
        }
        Ok(())
    }

    /// The identity, and the modules if it is a device.
    fn family(&self, name: Name) -> Vec<Name> {
        self.entries.keys().copied().filter(|other| *other == name || device_of(other) == name).collect()
    }

    /// Whether an identity is there as it should be, in the edition that is meant.
    fn check_identity(&self, name: Name, must_exist: bool, if_match: Match) -> Outcome {
        let (exists, device_exists) = (self.entries.contains_key(name), self.entries.contains_key(device_of(name)));
        match (exists, must_exist) {
            (_, _) if is_module(name) && !device_exists => Err("DeviceNotFound"),
            (false, true) => Err(if is_module(name) { "ModuleNotFound" } else { "DeviceNotFound" }),
            (true, false) if is_module(name) => Err("ModuleAlreadyExistsOnDevice"),
            (true, false) => Err("DeviceAlreadyExists"),
            (true, true) if !if_match.fits() => Err("PreconditionFailed"),
            _ => Ok(()),
        }
    }

    fn write(
        &mut self,
        name: Name,
        replaces: bool,
        (tags, desired): (Option<&Value>, Option<&Value>),
        if_match: Match,
        effects: &mut Effects,
    ) -> Outcome {
        let tags = Section::read(tags, replaces, &[])?;
        let desired = Section::read(desired, replaces, &["$version", "$metadata"])?;
        let one = self.entries.get_mut(name).ok_or("DeviceNotFound")?;
        if !if_match.fits() {
            return Err("PreconditionFailed");
        }
        let new_tags = tags.as_ref().map(|tags| tags.after(one.tags.as_ref().unwrap_or(&Map::new())));
        let new_desired = desired.as_ref().map(|desired| desired.after(&one.desired.values));
        let fit = |values: Option<&Map<String, Value>>, most| values.is_none_or(|values| fits(values, most));
        if !fit(new_tags.as_ref(), 8192) || !fit(new_desired.as_ref(), 32768) {
            return Err("ArgumentInvalid");
        }
        one.writes += u64::from(new_tags.is_some() || new_desired.is_some());
        one.tags = new_tags.or_else(|| one.tags.take());
        let (Some(desired), Some(values)) = (desired, new_desired) else { return Ok(()) };
        let patch = match desired {
            Section::Merge(patch) => patch,
            Section::Replace(_) => difference(&one.desired.values, &values),
        };
        one.desired = Half { values, writes: one.desired.writes + 1 };
        let version = one.desired.version();
        let topic = format!("$iothub/twin/PATCH/properties/desired/?$version={version}");
        self.tell(name, DESIRED, topic, with_version(patch, version), effects);
        Ok(())
    }

    fn report(&mut self, name: Name, patch: &Value, version: Match, effects: &mut Effects) {
        let Some(one) = self.entries.get_mut(name).filter(|one| one.link.is_some()) else { return };
        let values = patch.as_object().map(|patch| merge(&one.reported.values, patch));
        let values = values.filter(|values| fits(values, 32768) && !has_dollar(patch));
        let (error, code) = match values {
            _ if !patch.is_object() => (400, 400_004),
            _ if !version.fits() => (412, 412_001),
            None => (400, 400_004),
            Some(values) => {
                one.reported = Half { values, writes: one.reported.writes + 1 };
                one.reports += 1;
                let topic = format!("$iothub/twin/res/204/?$rid=r&$version={}", one.reported.version());
                return self.tell(name, RESPONSES, topic, Value::Null, effects);
            }
        };
        self.tell(name, RESPONSES, format!("$iothub/twin/res/{error}/?$rid=r"), json!({ "errorCode": code }), effects);
    }

    fn connect(
        &mut self,
        name: Name,
        clean: bool,
        wrong_key: bool,
        filters: &[Name],
        effects: &mut Effects,
    ) -> Outcome {
        let is_disabled = self.entries.get(device_of(name)).is_some_and(|device| device.disabled);
        let one = self.entries.get_mut(name).filter(|_| !wrong_key && !is_disabled).ok_or("NotAuthorized")?;
        if clean {
            one.kept.clear();
        }
        effects.is_resumed = !one.kept.is_empty();
        one.link = Some(Link { clean, filters: one.kept.clone() });
        for filter in filters {
            self.subscribe(name, |filters| filters.insert(*filter));
        }
        Ok(())
    }

    fn subscribe(&mut self, name: Name, change: impl FnOnce(&mut BTreeSet<Name>) -> bool) {
        let Some(one) = self.entries.get_mut(name) else { return };
        let Some(link) = &mut one.link else { return };
        change(&mut link.filters);
        if !link.clean {
            one.kept = link.filters.clone();
        }
    }

    fn leave(&mut self, name: Name) {
        if let Some(one) = self.entries.get_mut(name) {
            one.link = None;
        }
    }

    fn cut(&mut self, name: Name, effects: &mut Effects) {
        if self.entries.get_mut(name).and_then(|one| one.link.take()).is_some() {
            effects.closed.insert(name);
        }
    }

    /// A device hears what it is subscribed to, and what it misses is lost.
    fn tell(&self, name: Name, filter: Name, topic: String, body: Value, effects: &mut Effects) {
        let link = self.entries.get(name).and_then(|one| one.link.as_ref());
        if link.is_some_and(|link| link.filters.contains(filter)) {
            effects.told.entry(name).or_default().push((topic, body));
        }
    }
}

type Outcome = Result<(), &'static str>;
