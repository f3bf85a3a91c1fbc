//! What one device was told, and what it says to that. Pure; between two words it is text, which takes a tenth of the
//! memory of its values.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Part, Profile, profile::Faults};
use crate::{
    agent::{
        command::Offers,
        ledger::{Accepted, Book, Offline, members},
        moment::now,
        reconciler::{Item, Policies, Standing, View, patch},
        resource::{
            Refusal, Style,
            simulated::{COMPONENTS, WINDOWS, check, facts, names, style},
        },
    },
    component::pnp::TWINOPS,
    twin::Map,
};

/// One device.
pub(super) struct Device {
    part: Part,
    /// What it accepted.
    accepted: Box<[u8]>,
    /// What the hub was last told.
    reported: Box<[u8]>,
}

/// What a device has to say.
pub(super) struct Word {
    /// What is to be merged into what the hub holds; empty when that is up to date.
    pub(super) change: Map,
    /// All of it, for [`Device::told`].
    pub(super) whole: Box<[u8]>,
    /// The components that are not as wanted.
    pub(super) failed: Vec<String>,
}

impl Device {
    pub(super) fn new(part: Part) -> Self {
        Self { part, accepted: packed(&Accepted::default()), reported: packed(&Map::new()) }
    }

    /// Takes a whole twin; whether there is something new in its desired section.
    pub(super) fn take_whole(&mut self, desired: Map, version: u64, reported: &Map) -> bool {
        self.reported = packed(reported);
        let next = self.book().with_whole(desired, version);
        let is_new = next.is_some();
        if let Some(next) = next {
            self.accepted = packed(&next.accepted);
        }
        is_new
    }

    /// Takes the next patch.
    pub(super) fn take_patch(&mut self, patch: &Map, version: u64) {
        self.accepted = packed(&self.book().with_patch(patch, version).accepted);
    }

    /// Takes that the hub knows a word.
    pub(super) fn told(&mut self, whole: Box<[u8]>) {
        self.reported = whole;
    }

    /// What is to be said: that all is done, or still being worked on.
    pub(super) fn word(&self, id: &str, profile: &Profile, is_done: bool) -> Word {
        let accepted: Accepted = unpacked(&self.accepted);
        let last: Map = unpacked(&self.reported);
        let own = accepted.desired.get(TWINOPS);
        let told = |name| Some((own?.get(name)?, accepted.touched(TWINOPS, name)));
        let items = self.items(&accepted, id, profile, is_done);
        let capability = |name: &&str| ((*name).to_owned(), Map::from_iter([("version".to_owned(), "1.0.0".into())]));
        let policies = Policies::read(&accepted.desired);
        let view = View {
            items: &items,
            facts: &BTreeMap::from([("deviceInfo".to_owned(), facts::neutral(id))]),
            capabilities: &COMPONENTS.iter().map(capability).collect(),
            unrestored: &BTreeMap::new(),
            revision: told("revision"),
            policy: told("policy"),
            policy_fault: policies.fault(),
            leases: &[],
            healed: &[],
            offline: &Offline::default(),
            book: None,
            offers: &Offers::default(),
            last: Some(&last),
            now: &now(),
        };
        let whole = view.render();
        let failed = view.standing().0.into_iter().map(str::to_owned).collect();
        Word { change: patch(&last, &whole), whole: packed(&whole), failed }
    }

    fn items(&self, accepted: &Accepted, id: &str, profile: &Profile, is_done: bool) -> Vec<Item<()>> {
        let mut items = Vec::new();
        for (component, value) in accepted.desired.iter().filter(|(name, _)| *name != TWINOPS) {
            let style = style(component, value);
            let whole = [("", value)];
            let parts = if style == Style::Echo { whole.to_vec() } else { members(value) };
            for (property, wanted) in parts {
                let standing = self.standing(component, property, wanted, profile, is_done);
                let value = match (component.as_str(), property) {
                    (WINDOWS, "deviceInfo") => Some(Value::Object(facts::windows(id))),
                    _ => (standing == Standing::Applied).then(|| wanted.clone()),
                };
                items.push(Item {
                    component: component.clone(),
                    property: property.to_owned(),
                    wanted: wanted.clone(),
                    style,
                    resource: None,
                    version: accepted.touched(component, property),
                    value,
                    standing,
                    fresh: false,
                    heal: true,
                    lease: None,
                });
            }
        }
        items
    }

    fn standing(&self, component: &str, property: &str, wanted: &Value, profile: &Profile, is_done: bool) -> Standing {
        let speaks = |plays: bool, faults: &Option<Faults>| {
            let faults = faults.as_ref().filter(|_| plays);
            faults.is_some_and(|faults| faults.components.is_empty() || names(&faults.components, component, property))
        };
        let because = || "as the profile of this simulated device says".to_owned();
        match check(component, property, wanted) {
            Err(refusal) => Standing::Refused(refusal),
            Ok(()) if speaks(self.part.rejects, &profile.reject) => {
                Standing::Refused(Refusal::Forbidden(format!("rejected, {}", because())))
            }
            Ok(()) if !is_done => Standing::Todo,
            Ok(()) if speaks(self.part.fails, &profile.fail) => Standing::Failed(format!("failed, {}", because())),
            Ok(()) => Standing::Applied,
        }
    }

    fn book(&self) -> Book {
        let mut book = Book::new("");
        book.accepted = Arc::new(unpacked(&self.accepted));
        book
    }
}

fn packed(value: &impl Serialize) -> Box<[u8]> {
    serde_json::to_vec(value).unwrap_or_default().into_boxed_slice()
}

/// What was packed here reads; nothing else gets in.
fn unpacked<T: DeserializeOwned + Default>(text: &[u8]) -> T {
    serde_json::from_slice(text).unwrap_or_default()
}
