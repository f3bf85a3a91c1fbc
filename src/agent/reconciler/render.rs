//! What the device is, as reported properties. Pure but for the clock it is given.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::item::{Item, Standing, short};
use crate::{
    agent::{
        command::{Book, Offers},
        lease::Lease,
        ledger::{Healed, Offline},
        resource::{Refusal, Style},
    },
    component::pnp::{Ack, COMPONENT, MARKER, TWINOPS, code},
    twin::{Map, same},
};

/// Where commands are told of, and which there are.
pub(super) const COMMANDS: &str = "commands";

/// Everything that a report is made of.
pub(in crate::agent) struct View<'a, R> {
    pub(in crate::agent) items: &'a [Item<R>],
    /// Read-only properties by component.
    pub(in crate::agent) facts: &'a BTreeMap<String, Map>,
    /// What this device has of the components' models.
    pub(in crate::agent) capabilities: &'a BTreeMap<String, Map>,
    /// What could not be put back, by component.
    pub(in crate::agent) unrestored: &'a BTreeMap<String, String>,
    /// The commit to be answered and the version that named it.
    pub(in crate::agent) revision: Option<(&'a Value, u64)>,
    /// How components are gone about, and the version that said so.
    pub(in crate::agent) policy: Option<(&'a Value, u64)>,
    /// Why that cannot be read.
    pub(in crate::agent) policy_fault: Option<&'a str>,
    /// What someone at the device set for a while.
    pub(in crate::agent) leases: &'a [Lease],
    /// What changed on the device and was set again.
    pub(in crate::agent) healed: &'a [Healed],
    /// What happened while the hub was out of reach.
    pub(in crate::agent) offline: &'a Offline,
    /// What the device was commanded; a simulated one is not.
    pub(in crate::agent) book: Option<&'a Book>,
    /// What it may be commanded.
    pub(in crate::agent) offers: &'a Offers,
    /// What the hub was last told.
    pub(in crate::agent) last: Option<&'a Map>,
    /// Now, as text.
    pub(in crate::agent) now: &'a str,
}

impl<R> View<'_, R> {
    /// The components that are not as wanted, and those still being worked on.
    pub(in crate::agent) fn standing(&self) -> (BTreeSet<&str>, BTreeSet<&str>) {
        let named = |fits: &dyn Fn(&Item<R>) -> bool| {
            self.items.iter().filter(|item| fits(item)).map(|item| item.component.as_str()).collect::<BTreeSet<_>>()
        };
        let mut failed = named(&|item| item.is_at_fault() || (item.standing == Standing::Drifted && !item.heal));
        failed.extend(self.unrestored.keys().map(String::as_str));
        let pending = named(&|item| match item.standing {
            Standing::Todo | Standing::Waiting => true,
            Standing::Drifted => item.heal,
            _ => false,
        });
        (failed, pending)
    }

    /// The whole of the agent's reported properties.
    pub(in crate::agent) fn render(&self) -> Map {
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
        for (section, result) in self.book.into_iter().flat_map(Book::sections) {
            object(&mut report, "windows").insert(section, result);
        }
        let mut own = self.twinops();
        if fit(&mut report) {
            object(&mut own, "summary").insert("truncated".to_owned(), true.into());
        }
        report.insert(TWINOPS.to_owned(), Value::Object(own));
        report
    }

    fn twinops(&self) -> Map {
        let (failed, pending) = self.standing();
        let state = match (failed.is_empty(), pending.is_empty()) {
            (_, false) => "in-progress",
            (false, true) => "failed",
            (true, true) if !self.leases.is_empty() => "leased",
            (true, true) => "applied",
        };
        let mut own = Map::new();
        own.insert(MARKER.to_owned(), COMPONENT.into());
        own.insert("agentVersion".to_owned(), env!("CARGO_PKG_VERSION").into());
        own.insert("capabilities".to_owned(), self.capabilities());
        if let Some(calls) = self.book.and_then(Book::reported) {
            own.insert(COMMANDS.to_owned(), calls);
        }
        let summary = json!({"state": state, "failed": failed, "pending": pending});
        own.insert("summary".to_owned(), self.stamped(summary, "at", self.last_at(&[TWINOPS, "summary"]), false));
        if !self.healed.is_empty() {
            own.insert("healed".to_owned(), json!(self.healed));
        }
        if !self.offline.events.is_empty() {
            own.insert("offline".to_owned(), json!(self.offline.events));
        }
        if !self.leases.is_empty() {
            own.insert("overrides".to_owned(), self.overrides());
        }
        let answered = [("revision", self.revision(state, &failed)), ("policy", self.policy())];
        for (name, ack) in answered.into_iter().filter_map(|(name, ack)| Some((name, ack?))) {
            own.insert(name.to_owned(), serde_json::to_value(ack).unwrap_or_default());
        }
        own
    }

    fn capabilities(&self) -> Value {
        let mut all = json!(self.capabilities);
        all[COMMANDS] = json!(self.offers);
        all
    }

    fn revision(&self, state: &str, failed: &BTreeSet<&str>) -> Option<Ack> {
        let (revision, av) = self.revision?;
        let (ac, ad) = match state {
            "applied" => (code::APPLIED, None),
            "failed" => (code::FAILED, Some(self.blame(failed))),
            "leased" => (code::IN_PROGRESS, self.leases.first().map(|lease| short(&lease.told()))),
            _ => (code::IN_PROGRESS, Some("in progress".to_owned())),
        };
        Some(Ack { value: Some(revision.clone()), ac, av, ad })
    }

    fn policy(&self) -> Option<Ack> {
        let (policy, av) = self.policy?;
        Some(match self.policy_fault {
            None => Ack { value: Some(policy.clone()), ac: code::APPLIED, av, ad: None },
            Some(fault) => Ack { value: None, ac: code::INVALID, av, ad: Some(short(fault)) },
        })
    }

    fn overrides(&self) -> Value {
        let told = |lease: &Lease| json!({"path": lease.path, "until": lease.ends(), "reason": short(&lease.reason), "by": lease.by});
        self.leases.iter().map(told).collect()
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
            Standing::Skipped(why) | Standing::Failed(why) | Standing::GoneBack(why) => fault(NOT_SUPPORTED, why),
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

/// The most that a report may take, in bytes; a hub holds 32 KB (protocol reference 5.5), and counts a little less.
const LARGEST: usize = 30 * 1024;
/// What loses its detail first when a report is too large.
const DETAILED: [&str; 3] = ["apps", "certificates", "files"];

/// Takes values out of answers, in a fixed order, until the report fits; whether it had to. How each property stands
/// is never left out.
fn fit(report: &mut Map) -> bool {
    let size = |report: &Map| serde_json::to_vec(report).map_or(0, |text| text.len());
    if size(report) <= LARGEST {
        return false;
    }
    let others = report.keys().filter(|name| !DETAILED.contains(&name.as_str())).cloned().collect::<Vec<_>>();
    for name in DETAILED.map(str::to_owned).into_iter().chain(others) {
        let Some(Value::Object(component)) = report.get_mut(&name) else { continue };
        for ack in component.values_mut().filter_map(Value::as_object_mut).filter(|ack| ack.contains_key("ac")) {
            ack.remove("value");
        }
        if size(report) <= LARGEST {
            break;
        }
    }
    true
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_is_too_large_loses_values_and_no_answers() {
        let ack = |size: usize| json!({"value": "x".repeat(size), "ac": 200, "av": 1});
        let many = |size: usize| (0..10).map(|at| (format!("a{at}"), ack(size))).collect::<Map>();
        let mut report = Map::new();
        report.insert("files".to_owned(), Value::Object(many(3000)));
        report.insert("time".to_owned(), Value::Object(many(100)));
        let whole = report.clone();
        assert!(fit(&mut report));
        assert_eq!((&report["files"]["a3"], &report["time"]), (&json!({"ac": 200, "av": 1}), &whole["time"]));
        assert!(!fit(&mut report));
    }
}
