//! A device made of memory.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use serde_json::Value;

use super::*;
use crate::{
    agent::resource::{Fault, Pace, Refusal, Resource, Style},
    component::pnp,
};

/// What a fake device is, may fail at, and was asked for.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) values: BTreeMap<String, Value>,
    pub(super) failing: BTreeSet<String>,
    pub(super) deaf: BTreeSet<String>,
    pub(super) slow: Duration,
    pub(super) asked: Vec<String>,
}

#[derive(Clone, Default)]
pub(super) struct Fake(pub(super) Arc<Mutex<Memory>>);

pub(super) struct FakeResource {
    pub(super) component: String,
    pub(super) fake: Fake,
}

impl Fake {
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Memory) -> T) -> T {
        work(&mut self.0.lock().unwrap())
    }
}

impl Platform for Fake {
    type Resource = FakeResource;

    fn components(&self) -> &[&'static str] {
        &[]
    }

    fn resource(&self, component: &str) -> Option<Arc<FakeResource>> {
        let known = component != "unknown";
        known.then(|| Arc::new(FakeResource { component: component.to_owned(), fake: self.clone() }))
    }

    fn style(&self, component: &str, wanted: &Value) -> Style {
        match wanted {
            _ if pnp::is_component(wanted) => Style::Pnp,
            _ if component == "windows" => Style::Dm1,
            _ => Style::Echo,
        }
    }

    fn owns(&self, component: &str, _reported: &Value) -> bool {
        component != "foreign"
    }

    fn pace(&self) -> Pace {
        let seconds = Duration::from_secs;
        Pace { retry: seconds(60), retry_most: seconds(600), recheck: RECHECK, patience: seconds(5) }
    }
}

impl Resource for FakeResource {
    fn may_cut_off(&self, _property: &str, _wanted: Option<&Value>) -> bool {
        self.component == "wifi"
    }

    fn depends_on(&self) -> &[&'static str] {
        if self.component == "apps" { &["storage"] } else { &[] }
    }

    fn follows(&self, _property: &str, wanted: &Value) -> Vec<String> {
        let after = wanted.get("after").and_then(Value::as_array);
        after.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn place<'a>(&self, property: &'a str, wanted: &'a Value) -> Cow<'a, str> {
        Cow::Borrowed(wanted.get("path").and_then(Value::as_str).unwrap_or(property))
    }

    fn check(&self, property: &str, wanted: &Value) -> Result<(), Refusal> {
        match wanted {
            Value::String(text) if text == "bad" => Err(Refusal::Invalid(format!("`{property}` is bad"))),
            _ => Ok(()),
        }
    }

    async fn read(&self, property: &str, wanted: &Value) -> Result<Option<Value>, Fault> {
        let key = format!("{}.{}", self.component, self.place(property, wanted));
        Ok(self.fake.with(|memory| memory.values.get(&key).cloned()))
    }

    async fn ensure(&self, property: &str, wanted: Option<&Value>) -> Result<(), Fault> {
        tokio::time::sleep(self.fake.with(|memory| memory.slow)).await;
        let place = wanted.map_or(property.into(), |wanted| self.place(property, wanted));
        let key = format!("{}.{place}", self.component);
        self.fake.with(|memory| {
            memory.asked.push(key.clone());
            if memory.failing.contains(&key) {
                return Err(Fault::new("out of order"));
            }
            if memory.deaf.contains(&key) {
                return Ok(());
            }
            match wanted {
                Some(wanted) => drop(memory.values.insert(key, wanted.clone())),
                None => drop(memory.values.remove(&key)),
            }
            Ok(())
        })
    }
}
