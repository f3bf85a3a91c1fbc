//! All configurations, compiled.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::json;

use super::{
    MOST,
    content::{Claims, Content, EDGE_AGENT},
    document::Configuration,
    rules::check_query,
    system::{self, TARGETED},
    target,
};
use crate::{
    hub::{
        failure::Failure,
        record::{Owner, Record, Wanted},
        store::{Kind, Store},
    },
    query::{Condition, Fields, Query, Source, Target},
};

/// Some of the configurations, one bit each.
pub(super) type Bits = u128;

/// Most that fit into [`Bits`]; two processes that create at once may exceed [`MOST`] a little.
const FIT: usize = 128;
const _: () = assert!(MOST < FIT);

/// Most plans that are kept.
const PLANS: usize = 512;

/// One configuration.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) ticks: u64,
    owner: Arc<Owner>,
    priority: u32,
    /// Nothing where nobody is meant.
    target: Option<Target>,
    content: Content,
    pub(super) metrics: Vec<Metric>,
}

/// A metric that has to be counted.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) name: String,
    pub(super) custom: bool,
    pub(super) query: Query,
}

/// A module's name where gateways' deployments take part, and which configurations do.
type PlanKey = (Option<Arc<str>>, Bits);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Set {
    /// Who wins first.
    entries: Vec<Entry>,
    /// Those that are deployments to gateways.
    edge: Bits,
    /// Whether what devices report can make a difference.
    pub(super) sees_reported: bool,
    /// Twins are many, and what is wanted of them is one of a few.
    plans: Mutex<HashMap<PlanKey, Arc<Wanted>>>,
}

impl Set {
    /// Reads all configurations.
    pub(super) async fn load<S: Store>(store: &S) -> Result<Self, Failure> {
        let documents = store.documents(Kind::Configuration, "", None, FIT).await?;
        Ok(Self::new(documents.iter().filter_map(|document| Configuration::read(document).ok())))
    }

    pub(super) fn new(configurations: impl IntoIterator<Item = Configuration>) -> Self {
        let mut entries: Vec<Entry> = configurations.into_iter().filter_map(|one| Entry::new(&one)).collect();
        entries.sort_by(|a, b| b.rank().cmp(&a.rank()));
        entries.truncate(FIT);
        let edge = bits(&entries, |entry| matches!(entry.content, Content::Edge(_)));
        let conditions = entries.iter().filter_map(|entry| entry.target.as_ref()?.condition());
        let sees_reported = conditions.flat_map(Condition::paths).any(target::sees_reported);
        Self { entries, edge, sees_reported, plans: Mutex::default() }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) const fn has_edge(&self) -> bool {
        self.edge != 0
    }

    /// Whether this configuration still is there, and is the same.
    pub(super) fn lives(&self, id: &str, digest: &str) -> bool {
        self.entries.iter().any(|entry| &*entry.owner.id == id && &*entry.owner.digest == digest)
    }

    /// Which configurations mean a record. Deployments mean gateways, and stand here for what they are for.
    pub(super) fn meant(&self, record: &Record, fields: &impl Fields) -> Bits {
        let source = if record.link.module.is_some() { Source::Modules } else { Source::Devices };
        let is_for = |target: &Target| target.source() == source && target.matches(fields);
        let meant = bits(&self.entries, |entry| entry.target.as_ref().is_some_and(is_for));
        if meant & self.edge != 0 && !is_gateway(record) { meant & !self.edge } else { meant }
    }

    /// Of those that mean a device, the deployments that its modules obey: down to the first that is whole, because
    /// the others only add to one (protocol reference 8.4).
    pub(super) fn deployments(&self, meant: Bits) -> Bits {
        let mut obeyed = 0;
        for (entry, bit) in self.chosen(meant & self.edge) {
            obeyed |= bit;
            if entry.is_base() {
                break;
            }
        }
        obeyed
    }

    /// The modules of which deployments speak.
    pub(super) fn modules(&self, deployments: Bits) -> HashSet<Arc<str>> {
        let names = self.chosen(deployments).flat_map(|(entry, _)| match &entry.content {
            Content::Edge(modules) => modules.keys().cloned().collect(),
            Content::Device(_) | Content::Module(_) => Vec::new(),
        });
        names.collect()
    }

    fn chosen(&self, some: Bits) -> impl Iterator<Item = (&Entry, Bits)> {
        let each = self.entries.iter().enumerate().map(|(at, entry)| (entry, 1 << at));
        each.filter(move |(_, bit)| some & bit != 0)
    }

    /// What configurations together want of a record. A device is nobody's deployment.
    pub(super) fn wanted(&self, record: &Record, some: Bits) -> Arc<Wanted> {
        let module = record.link.module.as_ref();
        let some = if module.is_some() { some } else { some & !self.edge };
        if some == 0 {
            return Arc::default();
        }
        let named = module.filter(|_| some & self.edge != 0);
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = plans.get(&(named.cloned(), some)) {
            return Arc::clone(known);
        }
        if plans.len() >= PLANS {
            plans.clear();
        }
        let plan = Arc::new(self.plan(named, some));
        plans.insert((named.cloned(), some), Arc::clone(&plan));
        plan
    }

    /// For each path the first one wins; where one path lies in another, values of the first ones lie on top.
    fn plan(&self, module: Option<&Arc<str>>, some: Bits) -> Wanted {
        let mut taken = HashSet::new();
        let mut layers = Vec::new();
        let mut applied = serde_json::Map::new();
        let mut wanted = Wanted::default();
        for (entry, _) in self.chosen(some) {
            let Some(claims) = entry.claims(module) else { continue };
            let layer: Vec<_> = claims.iter().filter(|claim| taken.insert(&claim.path)).collect();
            if !layer.is_empty() || claims.is_empty() {
                applied.insert(entry.owner.id.to_string(), json!({ "status": "Applied" }));
            }
            let deploys = matches!(entry.content, Content::Edge(_));
            wanted.exclusive |= deploys && layer.iter().any(|claim| claim.path.is_empty());
            layers.push((layer, &entry.owner));
        }
        for (layer, owner) in layers.into_iter().rev() {
            for claim in layer {
                wanted.lay(&claim.path, &claim.value, owner);
            }
        }
        wanted.applied = (!applied.is_empty()).then(|| serde_json::Value::Object(applied).to_string().into());
        wanted
    }
}

impl Entry {
    /// What cannot be read any more is left out, and its values stay.
    fn new(from: &Configuration) -> Option<Self> {
        let compiled = Content::parse(&from.content)
            .and_then(|content| target::parse(&from.target, &content).map(|target| (content, target)));
        let (content, target) = match compiled {
            Ok(compiled) => compiled,
            Err(failure) => {
                tracing::error!(id = from.id, %failure, "a configuration cannot be evaluated");
                return None;
            }
        };
        let system = system::queries(&from.id, &content, &from.target).into_iter();
        let system = system.filter(|(name, _)| *name != TARGETED).map(|(name, text)| (name.to_owned(), false, text));
        let custom = from.queries.iter().map(|(name, text)| (name.clone(), true, text.clone()));
        let metric = |(name, custom, text): (String, bool, String)| {
            check_query(&text).ok().map(|query| Metric { name, custom, query })
        };
        Some(Self {
            ticks: from.ticks,
            owner: Arc::new(Owner { id: from.id.as_str().into(), digest: from.ticks.to_string().into() }),
            priority: from.priority,
            target,
            content,
            metrics: system.chain(custom).filter_map(metric).collect(),
        })
    }

    pub(super) fn id(&self) -> &str {
        &self.owner.id
    }

    /// Who wins: the highest priority, then the youngest.
    fn rank(&self) -> (u32, u64, &str) {
        (self.priority, self.ticks, &self.owner.id)
    }

    /// What it says of a record: of the module of this name if it is a deployment.
    fn claims(&self, module: Option<&Arc<str>>) -> Option<&Claims> {
        match &self.content {
            Content::Device(claims) | Content::Module(claims) => Some(claims),
            Content::Edge(modules) => modules.get(module?),
        }
    }

    /// Whether a deployment says all of what a gateway runs.
    fn is_base(&self) -> bool {
        let Content::Edge(modules) = &self.content else { return false };
        modules.get(EDGE_AGENT).is_some_and(|claims| claims.iter().any(|claim| claim.path.is_empty()))
    }
}

fn bits(entries: &[Entry], of: impl Fn(&Entry) -> bool) -> Bits {
    entries.iter().enumerate().filter(|(_, entry)| of(entry)).fold(0, |bits, (at, _)| bits | 1 << at)
}

/// Whether a device is an IoT Edge gateway.
pub(super) fn is_gateway(record: &Record) -> bool {
    record.link.module.is_none() && record.identity().is_ok_and(|identity| identity.capabilities.iot_edge)
}
