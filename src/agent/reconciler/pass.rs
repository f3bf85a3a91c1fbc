//! One idempotent pass over the resources: put back what is no longer declared, read, compare, make, read again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use super::{
    item::{Item, Standing},
    order::order,
    render::View,
    reporter::{Reporter, Told},
};
use crate::{
    agent::{
        ledger::{Accepted, Before, Ledger, Notes, members},
        resource::{Platform, Refusal, Resource as _, Style},
    },
    component::pnp::TWINOPS,
    twin::Map,
};

/// What a pass works with.
pub(super) struct Pass<'a, P: Platform> {
    pub(super) platform: &'a P,
    pub(super) ledger: &'a Ledger,
    pub(super) reporter: &'a mut Reporter,
    pub(super) accepted: &'a Accepted,
    pub(super) heal: bool,
    notes: Notes,
    items: Vec<Item<P::Resource>>,
    facts: BTreeMap<String, Map>,
    capabilities: BTreeMap<String, &'static str>,
    unrestored: BTreeMap<String, String>,
    /// When the hub is told that work is in progress; `None` once it was.
    patience: Option<Instant>,
}

/// What came of a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The components that are not as wanted.
    pub(crate) failed: Vec<String>,
    /// Whether trying again may help.
    pub(crate) retry: bool,
}

impl<'a, P: Platform> Pass<'a, P> {
    pub(super) async fn new(
        platform: &'a P,
        ledger: &'a Ledger,
        reporter: &'a mut Reporter,
        accepted: &'a Accepted,
        heal: bool,
    ) -> Self {
        let notes = ledger.notes().await;
        let patience = Some(Instant::now() + platform.pace().patience);
        let (items, facts, capabilities, unrestored) = (Vec::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { platform, ledger, reporter, accepted, heal, notes, items, facts, capabilities, unrestored, patience }
    }

    pub(super) async fn run(mut self) -> Outcome {
        self.restore().await;
        self.gather();
        self.gather_facts().await;
        for at in 0..self.items.len() {
            self.observe(at).await;
        }
        if self.items.iter().any(|item| item.standing == Standing::Drifted) {
            self.tell().await;
        }
        self.remember().await;
        for at in 0..self.items.len() {
            self.bring_about(at).await;
        }
        let noted = self.ledger.note(&self.notes, self.accepted).await;
        if let Err(fault) = &noted {
            warn!(%fault, "cannot keep what was applied; it is applied again after a restart");
        }
        let told = self.tell().await;
        self.outcome(told)
    }

    /// Puts back what the agent changed and nobody declares any more.
    async fn restore(&mut self) {
        for (component, property, before) in self.left_over() {
            let Some(resource) = self.platform.resource(&component) else { continue };
            match resource.ensure(&property, before.value.as_ref()).await {
                Ok(()) => {
                    info!(component, property, "put back to what it was before");
                    forget(&mut self.notes, &component, &property);
                }
                Err(fault) => {
                    warn!(component, property, %fault, "cannot put back what is no longer declared");
                    self.unrestored.insert(component, fault.to_string());
                }
            }
        }
    }

    fn left_over(&self) -> Vec<(String, String, Before)> {
        let each = self.notes.before.iter().flat_map(|(component, properties)| {
            properties.iter().map(move |(property, before)| (component, property, before))
        });
        each.filter(|(component, property, before)| !self.still_wanted(component, property, before))
            .map(|(component, property, before)| (component.clone(), property.clone(), before.clone()))
            .collect()
    }

    /// Whether a wanted value speaks of the same thing. A refused one does not: what it names is not touched.
    fn still_wanted(&self, component: &str, property: &str, before: &Before) -> bool {
        let Some(value) = self.accepted.desired.get(component) else { return false };
        let found = members(value).into_iter().find(|(name, _)| *name == property);
        match (found, self.platform.resource(component)) {
            (Some((_, wanted)), Some(resource)) => {
                resource.check(property, wanted).is_err() || resource.place(property, wanted) == before.place
            }
            _ => false,
        }
    }

    /// The wanted properties in the order in which they are brought about.
    fn gather(&mut self) {
        let desired = &self.accepted.desired;
        let names: Vec<&str> = desired.keys().map(String::as_str).filter(|name| *name != TWINOPS).collect();
        let resources: BTreeMap<&str, Arc<P::Resource>> =
            names.iter().filter_map(|name| Some((*name, self.platform.resource(name)?))).collect();
        let needs = |name: &str| resources.get(name).map_or(&[][..], |resource| resource.depends_on());
        let (ordered, circle) = order(&names, needs);
        for name in ordered.iter().chain(&circle) {
            let Some(value) = desired.get(*name) else { continue };
            let style = self.platform.style(name, value);
            let whole = [("", value)];
            let parts = if style == Style::Echo { whole.to_vec() } else { members(value) };
            for (property, wanted) in parts.into_iter().filter(|_| style != Style::Foreign) {
                let standing = if circle.contains(name) {
                    Standing::Failed("this component depends on itself".to_owned())
                } else {
                    Standing::Todo
                };
                self.items.push(Item {
                    component: (*name).to_owned(),
                    property: property.to_owned(),
                    wanted: wanted.clone(),
                    style,
                    resource: resources.get(name).cloned(),
                    version: self.accepted.touched(name, property),
                    value: None,
                    standing,
                    fresh: false,
                });
            }
        }
    }

    async fn gather_facts(&mut self) {
        for name in self.platform.components() {
            if let Some(resource) = self.platform.resource(name) {
                self.facts.insert((*name).to_owned(), resource.facts().await);
                self.capabilities.insert((*name).to_owned(), resource.version());
            }
        }
    }

    /// Looks at one property without changing it.
    async fn observe(&mut self, at: usize) {
        let item = &mut self.items[at];
        if item.standing != Standing::Todo {
            return;
        }
        let Some(resource) = &item.resource else {
            let word = format!("this agent has no component `{}`", item.component);
            item.standing = Standing::Refused(Refusal::Unsupported(word));
            return;
        };
        if item.style == Style::Dm1 && item.wanted == "refreshing" {
            item.standing = Standing::Waiting;
            return;
        }
        if let Err(refusal) = resource.check(&item.property, &item.wanted) {
            item.standing = Standing::Refused(refusal);
            return;
        }
        let applied = self.notes.applied(&item.component, &item.property) == Some(item.version);
        item.standing = match item.look().await {
            Ok(true) => Standing::Applied,
            Ok(false) if applied => Standing::Drifted,
            Ok(false) => Standing::Todo,
            Err(why) => Standing::Failed(why),
        };
        if item.standing == Standing::Applied {
            item.fresh = !applied;
            self.notes.set_applied(&item.component, &item.property, item.version);
        }
    }

    /// Makes one property what is wanted, and looks again.
    async fn bring_about(&mut self, at: usize) {
        let item = &self.items[at];
        if !self.is_due(item) {
            return;
        }
        if let Some(need) = self.failed_need(item) {
            self.items[at].standing = Standing::Skipped(format!("skipped, because `{need}` failed"));
            return;
        }
        self.items[at].standing = match self.make(at).await {
            Ok(()) => Standing::Applied,
            Err(why) => Standing::Failed(why),
        };
        let item = &mut self.items[at];
        item.fresh = true;
        if item.standing == Standing::Applied {
            info!(component = item.component, property = item.property, "applied");
            self.notes.set_applied(&item.component, &item.property, item.version);
        } else {
            warn!(component = item.component, property = item.property, standing = ?item.standing, "not applied");
        }
    }

    async fn make(&mut self, at: usize) -> Result<(), String> {
        let item = &self.items[at];
        let (property, wanted) = (item.property.clone(), item.wanted.clone());
        let Some(resource) = item.resource.clone() else { return Err("no such component".to_owned()) };
        let mut work = std::pin::pin!(resource.ensure(&property, Some(&wanted)));
        let left = self.patience.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        let done = if let Ok(done) = timeout(left, &mut work).await {
            done
        } else {
            self.patience = None;
            self.tell().await;
            work.await
        };
        done.map_err(|fault| fault.to_string())?;
        let effective = self.items[at].look().await?;
        effective.then_some(()).ok_or_else(|| "it was set, but reading it again gives another value".to_owned())
    }

    fn is_due(&self, item: &Item<P::Resource>) -> bool {
        item.standing == Standing::Todo || (item.standing == Standing::Drifted && self.heal)
    }

    /// Keeps what the properties were, on disk, before they are first touched.
    async fn remember(&mut self) {
        let due: Vec<usize> = (0..self.items.len()).filter(|at| self.is_due(&self.items[*at])).collect();
        for at in &due {
            if let Err(why) = self.remember_one(*at).await {
                self.items[*at].standing = Standing::Failed(why);
            }
        }
        if due.is_empty() {
            return;
        }
        if let Err(fault) = self.ledger.note(&self.notes, self.accepted).await {
            for at in due {
                self.items[at].standing = Standing::Failed(format!("not touched, because {fault}"));
            }
        }
    }

    async fn remember_one(&mut self, at: usize) -> Result<(), String> {
        let item = &self.items[at];
        let Some(resource) = &item.resource else { return Ok(()) };
        let place = resource.place(&item.property, &item.wanted).into_owned();
        let held = self.notes.before.get(&item.component).and_then(|properties| properties.get(&item.property));
        match held {
            Some(held) if held.place == place => Ok(()),
            Some(_) => Err("what stood in its place before could not be put back".to_owned()),
            None => {
                let value = resource.read(&item.property, &item.wanted).await.map_err(|fault| fault.to_string())?;
                let of_component = self.notes.before.entry(item.component.clone()).or_default();
                of_component.insert(item.property.clone(), Before { place, value });
                Ok(())
            }
        }
    }

    fn failed_need(&self, item: &Item<P::Resource>) -> Option<&'static str> {
        let needs = item.resource.as_ref()?.depends_on();
        let failed: BTreeSet<&str> =
            self.items.iter().filter(|item| item.is_at_fault()).map(|item| item.component.as_str()).collect();
        needs.iter().copied().find(|need| failed.contains(need))
    }

    fn view<'v>(&'v self, now: &'v str) -> View<'v, P::Resource> {
        let revision = self.accepted.desired.get(TWINOPS).and_then(|own| own.get("revision"));
        View {
            items: &self.items,
            facts: &self.facts,
            capabilities: &self.capabilities,
            unrestored: &self.unrestored,
            revision: revision.map(|revision| (revision, self.accepted.touched(TWINOPS, "revision"))),
            heal: self.heal,
            last: self.reporter.last(),
            now,
        }
    }

    async fn tell(&mut self) -> Told {
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let report = self.view(&now).render();
        self.reporter.tell(&report).await
    }

    fn outcome(&self, told: Told) -> Outcome {
        let may_help = |standing: &Standing| matches!(standing, Standing::Failed(_) | Standing::Skipped(_));
        let retry =
            told == Told::Busy || !self.unrestored.is_empty() || self.items.iter().any(|item| may_help(&item.standing));
        let failed = self.view("").standing().0.into_iter().map(str::to_owned).collect();
        Outcome { failed, retry }
    }
}

fn forget(notes: &mut Notes, component: &str, property: &str) {
    if let Some(properties) = notes.before.get_mut(component) {
        properties.remove(property);
        if properties.is_empty() {
            notes.before.remove(component);
        }
    }
}
