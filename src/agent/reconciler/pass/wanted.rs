//! What a pass wants: the accepted properties, those on lease, and how each component is gone about.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::Value;

use super::Pass;
use crate::{
    agent::{
        lease::Lease,
        ledger::members,
        reconciler::{
            item::{Item, Standing},
            order::order,
        },
        resource::{Platform, Refusal, Resource, Style},
    },
    component::{pnp::TWINOPS, twinops::Policy},
    twin::{Map, set_path},
};

/// How components are gone about.
pub(in crate::agent) struct Policies {
    by_component: BTreeMap<String, Policy>,
    fault: Option<String>,
}

impl Policies {
    /// Reads them from the desired properties. What cannot be read is told, and the usual holds.
    pub(in crate::agent) fn read(desired: &Map) -> Self {
        let given = desired.get(TWINOPS).and_then(|own| own.get("policy"));
        match given.map(BTreeMap::deserialize).transpose() {
            Ok(given) => Self { by_component: given.unwrap_or_default(), fault: None },
            Err(fault) => Self { by_component: BTreeMap::new(), fault: Some(fault.to_string()) },
        }
    }

    /// Why they cannot be read.
    pub(in crate::agent) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// What is said of a component, if anything.
    pub(super) fn said(&self, component: &str) -> Option<&Policy> {
        self.by_component.get(component)
    }

    /// Whether drift of a component is undone.
    pub(super) fn heals(&self, component: &str) -> bool {
        self.said(component).is_none_or(Policy::heals)
    }

    /// How long the hub may take to be reached after a change of any of these components, in seconds.
    pub(super) fn patience<'c>(&self, components: impl Iterator<Item = &'c str>) -> u32 {
        let said = components.filter_map(|component| self.said(component)?.confirm_seconds).max();
        said.unwrap_or(Policy::CONFIRM_SECONDS).clamp(30, 3600)
    }
}

/// The desired properties with what someone at the device set for a while.
pub(super) fn with_leases(desired: &Map, leases: &[Lease]) -> Map {
    let mut desired = desired.clone();
    for lease in leases {
        set_path(&mut desired, &lease.keys(), lease.value.clone());
    }
    desired
}

/// The properties of a component in the order in which they are brought about, and why one cannot be.
fn in_order<'v, R: Resource>(
    parts: &[(&'v str, &'v Value)],
    resource: Option<&R>,
) -> impl Iterator<Item = (&'v str, &'v Value, Option<Refusal>)> {
    let by_name: BTreeMap<&str, &Value> = parts.iter().copied().collect();
    let names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
    let follows = |name: &str| resource.map(|resource| resource.follows(name, by_name[name])).unwrap_or_default();
    let refusal = |name: &str, in_circle: bool| {
        let unknown = follows(name).into_iter().find(|before| !by_name.contains_key(before.as_str()));
        let unknown = unknown.map(|before| format!("`after` names `{before}`, which is not declared"));
        let circle = in_circle.then(|| "`after` leads back to this one".to_owned());
        unknown.or(circle).map(Refusal::Invalid)
    };
    let (ordered, circle) = order(&names, follows);
    let all: Vec<_> = ordered
        .into_iter()
        .map(|name| (name, false))
        .chain(circle.into_iter().map(|name| (name, true)))
        .map(|(name, in_circle)| (name, by_name[name], refusal(name, in_circle)))
        .collect();
    all.into_iter()
}

impl<P: Platform> Pass<'_, P> {
    /// The wanted properties in the order in which they are brought about.
    pub(super) fn gather(&mut self) {
        let names: Vec<&str> = self.desired.keys().map(String::as_str).filter(|name| *name != TWINOPS).collect();
        let resources: BTreeMap<&str, _> =
            names.iter().filter_map(|name| Some((*name, self.work.platform.resource(name)?))).collect();
        let needs = |name: &str| resources.get(name).map_or(&[][..], |resource| resource.depends_on());
        let (ordered, circle) = order(&names, needs);
        let mut items = Vec::new();
        for name in ordered.iter().chain(&circle) {
            let Some(value) = self.desired.get(*name) else { continue };
            let style = self.work.platform.style(name, value);
            let whole = [("", value)];
            let parts = if style == Style::Echo { whole.to_vec() } else { members(value) };
            let resource = resources.get(name).map(|resource| &**resource);
            for (property, wanted, refusal) in in_order(&parts, resource).filter(|_| style != Style::Foreign) {
                let standing = match refusal {
                    _ if circle.contains(name) => Standing::Failed("this component depends on itself".to_owned()),
                    Some(refusal) => Standing::Refused(refusal),
                    None => Standing::Todo,
                };
                items.push(Item {
                    component: (*name).to_owned(),
                    property: property.to_owned(),
                    wanted: wanted.clone(),
                    style,
                    resource: resources.get(name).cloned(),
                    version: self.work.accepted.touched(name, property),
                    value: None,
                    standing,
                    fresh: false,
                    heal: self.work.heal && self.policies.heals(name),
                    lease: self.work.leases.iter().find(|lease| lease.speaks_of(name, property)).map(Lease::told),
                });
            }
        }
        self.items = items;
        self.tell_clashes();
    }

    /// Two properties that speak of one thing would undo each other for ever; neither is touched.
    fn tell_clashes(&mut self) {
        let mut places: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        for (at, item) in self.items.iter().enumerate().filter(|(_, item)| item.standing == Standing::Todo) {
            let Some(resource) = &item.resource else { continue };
            let place = resource.place(&item.property, &item.wanted).into_owned();
            places.entry((item.component.clone(), place)).or_default().push(at);
        }
        for ((_, place), rivals) in places.into_iter().filter(|(_, rivals)| rivals.len() > 1) {
            let names: Vec<&str> = rivals.iter().map(|at| self.items[*at].property.as_str()).collect();
            let why = format!("`{}` all speak of `{place}`; keep one of them", names.join("`, `"));
            for at in rivals {
                self.items[at].standing = Standing::Refused(Refusal::Invalid(why.clone()));
            }
        }
    }

    /// What components tell without being asked, and what this device has of them.
    pub(super) async fn gather_facts(&mut self) {
        let platform = self.work.platform;
        for name in platform.components().iter().copied().chain(platform.added()) {
            if let Some(resource) = platform.resource(name) {
                self.facts.insert(name.to_owned(), resource.facts().await);
                let mut capability = Map::new();
                capability.insert("version".to_owned(), resource.version().into());
                capability.extend(resource.lack().map(|why| ("unsupported".to_owned(), Value::from(why))));
                self.capabilities.insert(name.to_owned(), capability);
            }
        }
    }
}
