//! Fleets put together in memory, and what they resolve to.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use serde_json::{Value, json};

use super::{Facts, Resolver, Secrets, Unresolved};
use crate::{
    component::Registry,
    fleet::{Device, DocumentRef, Finding, Fleet, Profile, Wanted},
    query::Condition,
    twin::{DeviceId, Map},
};

mod checking;
mod choosing;
mod competing;
mod filling;
mod laws;
mod merging;

/// A fleet in the making.
#[derive(Debug, Default, Clone)]
struct Bench {
    fleet: Fleet,
    secrets: BTreeMap<String, String>,
}

fn map(value: Value) -> Map {
    let Value::Object(map) = value else { panic!("an object") };
    map
}

fn id(name: &str) -> DeviceId {
    DeviceId::new(name).unwrap()
}

fn document(file: &str) -> DocumentRef {
    DocumentRef { file: file.into(), document: 0 }
}

impl Bench {
    fn new() -> Self {
        let fleet = Fleet { name: "test".into(), document: Some(document("fleet.yaml")), ..Fleet::default() };
        Self { fleet, ..Self::default() }
    }

    fn vars(mut self, vars: Value) -> Self {
        self.fleet.spec.vars = map(vars);
        self
    }

    fn secret(mut self, name: &str, value: &str) -> Self {
        self.secrets.insert(name.into(), value.into());
        self
    }

    fn profile(mut self, name: &str, priority: i64, selector: &str, desired: Value) -> Self {
        let condition = (!selector.is_empty()).then(|| Condition::parse(selector).unwrap());
        let document = document(&format!("{name}.yaml"));
        let profile = Profile { name: name.into(), document, condition, priority, desired: map(desired) };
        self.fleet.profiles.push(Arc::new(profile));
        self
    }

    fn device(mut self, name: &str, tags: Value, desired: Value) -> Self {
        let document = document(&format!("{name}.yaml"));
        let device = Device::new(document, None, &map(tags), &map(desired));
        self.fleet.devices.insert(id(name), Arc::new(device));
        self
    }

    fn resolver(&self) -> Resolver {
        static REGISTRY: LazyLock<Arc<Registry>> = LazyLock::new(|| Arc::new(Registry::builtin()));
        let secrets = Secrets::from(self.secrets.clone());
        Resolver::new(Arc::new(self.fleet.clone()), REGISTRY.clone(), secrets)
    }

    /// Without components: what the laws are about needs none.
    fn plain(&self) -> Resolver {
        Resolver::new(Arc::new(self.fleet.clone()), Arc::default(), Secrets::none())
    }

    /// What a device with these live tags should be.
    fn wanted(&self, name: &str, tags: Value) -> Result<Option<Arc<Wanted>>, Unresolved> {
        wanted(&self.resolver(), name, tags)
    }

    /// Its desired properties.
    #[track_caller]
    fn desired(&self, name: &str, tags: Value) -> Value {
        Value::Object(self.wanted(name, tags).unwrap().unwrap().desired.clone())
    }

    /// The findings that stand in its way, as `rule@file#pointer`.
    #[track_caller]
    fn faults(&self, name: &str, tags: Value) -> Vec<String> {
        self.wanted(name, tags).unwrap_err().findings.iter().map(short).collect()
    }
}

fn wanted(resolver: &Resolver, name: &str, tags: Value) -> Result<Option<Arc<Wanted>>, Unresolved> {
    let (id, tags) = (id(name), map(tags));
    resolver.wanted(&Facts { id: &id, tags: &tags, reported: None, model_id: None })
}

fn short(finding: &Finding) -> String {
    use crate::fleet::Target;
    let place = finding.place.as_ref().map_or_else(String::new, |place| match &place.target {
        Target::Value(pointer) => format!("@{}#{pointer}", place.file),
        Target::Key(pointer) => format!("@{}#{pointer} (key)", place.file),
        other => format!("@{}#{other:?}", place.file),
    });
    format!("{}{place}", finding.rule)
}

fn nothing() -> Value {
    json!({})
}
