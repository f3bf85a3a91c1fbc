//! What the device is, as reported properties. Pure but for the clock it is given.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::item::{Item, Standing, short};
use crate::{
    agent::resource::{Refusal, Style},
    component::pnp::{Ack, COMPONENT, MARKER, TWINOPS, code},
    twin::{Map, same},
};

/// Everything that a report is made of.
pub(super) struct View<'a, R> {
    pub(super) items: &'a [Item<R>],
    /// Read-only properties by component.
    pub(super) facts: &'a BTreeMap<String, Map>,
    /// Versions of the components' models.
    pub(super) capabilities: &'a BTreeMap<String, &'static str>,
    /// What could not be put back, by component.
    pub(super) unrestored: &'a BTreeMap<String, String>,
    /// The commit to be answered and the version that named it.
    pub(super) revision: Option<(&'a Value, u64)>,
    /// Whether drift is about to be undone.
    pub(super) heal: bool,
    /// What the hub was last told.
    pub(super) last: Option<&'a Map>,
    /// Now, as text.
    pub(super) now: &'a str,
}

impl<R> View<'_, R> {
    /// The components that are not as wanted, and those still being worked on.
    pub(super) fn standing(&self) -> (BTreeSet<&str>, BTreeSet<&str>) {
        let named = |fits: &dyn Fn(&Item<R>) -> bool| {
            self.items.iter().filter(|item| fits(item)).map(|item| item.component.as_str()).collect::<BTreeSet<_>>()
        };
        let mut failed = named(&|item| item.is_at_fault() || (item.standing == Standing::Drifted && !self.heal));
        failed.extend(self.unrestored.keys().map(String::as_str));
        let pending = named(&|item| match item.standing {
            Standing::Todo | Standing::Waiting => true,
            Standing::Drifted => self.heal,
            _ => false,
        });
        (failed, pending)
    }

    /// The whole of the agent's reported properties.
    pub(super) fn render(&self) -> Map {
        let mut report = Map::new();
        for item in self.items {
            match item.style {
                Style::Pnp => {
                    let ack = serde_json::to_value(item.ack()).unwrap_or_default();
                    component(&mut report, &item.component).insert(item.property.clone(), ack);
                }
                Style::Dm1 => {
                    let section = self.dm1(item);
                    object(&mut report, &item.component).insert(item.property.clone(), section);
                }
                Style::Echo => {
                    if let (Some(value), false) = (&item.value, item.is_at_fault()) {
                        report.insert(item.component.clone(), value.clone());
                    }
                }
                Style::Foreign => {}
            }
        }
        for (name, facts) in self.facts.iter().filter(|(_, facts)| !facts.is_empty()) {
            component(&mut report, name).extend(facts.clone());
        }
        report.insert(TWINOPS.to_owned(), Value::Object(self.twinops()));
        report
    }

    fn twinops(&self) -> Map {
        let (failed, pending) = self.standing();
        let state = match (failed.is_empty(), pending.is_empty()) {
            (_, false) => "in-progress",
            (false, true) => "failed",
            (true, true) => "applied",
        };
        let mut own = Map::new();
        own.insert(MARKER.to_owned(), COMPONENT.into());
        own.insert("agentVersion".to_owned(), env!("CARGO_PKG_VERSION").into());
        let version = |(name, version): (&String, &&'static str)| (name.clone(), json!({ "version": version }));
        own.insert("capabilities".to_owned(), self.capabilities.iter().map(version).collect());
        let summary = json!({"state": state, "failed": failed, "pending": pending});
        own.insert("summary".to_owned(), self.stamped(summary, "at", self.last_at(&[TWINOPS, "summary"]), false));
        if let Some((revision, av)) = self.revision {
            let (ac, ad) = match state {
                "applied" => (code::APPLIED, None),
                "failed" => (code::FAILED, Some(self.blame(&failed))),
                _ => (code::IN_PROGRESS, Some("in progress".to_owned())),
            };
            let ack = Ack { value: Some(revision.clone()), ac, av, ad };
            own.insert("revision".to_owned(), serde_json::to_value(ack).unwrap_or_default());
        }
        own
    }

    fn blame(&self, failed: &BTreeSet<&str>) -> String {
        let names = failed.iter().copied().collect::<Vec<_>>().join(", ");
        let why = self.unrestored.iter().next();
        let why = why.map(|(name, why)| format!("; {name} could not be put back: {why}")).unwrap_or_default();
        short(&format!("failed: {names}{why}"))
    }

    /// A section of the first generation's client: its values, and beside them how the last change went.
    fn dm1(&self, item: &Item<R>) -> Value {
        let fault = |code: i32, why: &str| ("failed", Some((code, why.to_owned())));
        let (state, fault) = match &item.standing {
            Standing::Applied | Standing::Drifted => ("completed", None),
            Standing::Todo | Standing::Waiting => ("pending", None),
            Standing::Refused(Refusal::Invalid(why)) => fault(WRONG_TYPE, why),
            Standing::Refused(refusal) => fault(NOT_SUPPORTED, &refusal.to_string()),
            Standing::Skipped(why) | Standing::Failed(why) => fault(NOT_SUPPORTED, why),
        };
        let mut change = json!({ "state": state });
        if let (Some((number, why)), Value::Object(change)) = (fault, &mut change) {
            change.insert("errSubSystem".to_owned(), "DeviceManagement".into());
            change.insert("errCode".to_owned(), number.into());
            change.insert("errContext".to_owned(), short(&why).into());
        }
        let last = self.last_at(&[&item.component, &item.property, "lastChange"]);
        let change = self.stamped(change, "time", last, item.fresh);
        match flat(item.value.as_ref().unwrap_or(&Value::Null)) {
            Value::Object(mut values) => {
                values.insert("lastChange".to_owned(), change);
                Value::Object(values)
            }
            Value::Null => json!({ "lastChange": change }),
            text => text,
        }
    }

    fn last_at(&self, keys: &[&str]) -> Option<&Value> {
        let (first, rest) = keys.split_first()?;
        rest.iter().try_fold(self.last?.get(*first)?, |value, key| value.get(*key))
    }

    /// `value` with the time of now, or with the old time while nothing else in it changed.
    fn stamped(&self, value: Value, member: &str, last: Option<&Value>, fresh: bool) -> Value {
        let Value::Object(mut value) = value else { return value };
        let kept = last.and_then(Value::as_object).and_then(|last| {
            let mut bare = last.clone();
            let time = bare.remove(member)?;
            (!fresh && same(&Value::Object(bare), &Value::Object(value.clone()))).then_some(time)
        });
        value.insert(member.to_owned(), kept.unwrap_or_else(|| self.now.into()));
        Value::Object(value)
    }
}

/// 0xA0000000: the section has the wrong type.
const WRONG_TYPE: i32 = -0x6000_0000;
/// 0xA0000001: the value is not supported.
const NOT_SUPPORTED: i32 = -0x5FFF_FFFF;

/// A wanted section as the client mirrored it: what stood below `applyProperties` one level up, without the
/// switches and the query marks around it.
fn flat(value: &Value) -> Value {
    let Value::Object(members) = value else { return value.clone() };
    if members.get("reportProperties").and_then(Value::as_str) == Some("no") {
        return "no-report".into();
    }
    match members.get("applyProperties") {
        Some(Value::Object(applied)) => Value::Object(applied.clone()),
        Some(_) => Value::Object(Map::new()),
        None => Value::Object(
            members.iter().filter(|(name, _)| *name != "?").map(|(name, below)| (name.clone(), flat(below))).collect(),
        ),
    }
}

fn object<'a>(report: &'a mut Map, name: &str) -> &'a mut Map {
    let slot = report.entry(name).or_insert_with(|| Value::Object(Map::new()));
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    slot.as_object_mut().expect("it was just made an object")
}

fn component<'a>(report: &'a mut Map, name: &str) -> &'a mut Map {
    let own = object(report, name);
    own.entry(MARKER).or_insert_with(|| COMPONENT.into());
    own
}
