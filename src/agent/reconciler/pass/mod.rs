//! One idempotent pass over the resources: put back what is no longer declared, read, compare, make, read again.
//!
//! `wanted` says what is to be, `restore` puts back, `observe` reads and compares, `make` changes and reads again,
//! `risk` does the same for what may cut the device off.

mod make;
mod observe;
mod restore;
mod risk;
mod wanted;

use std::collections::BTreeMap;

use tokio::time::Instant;
use tracing::warn;

use super::{
    item::{Item, Standing},
    render::View,
    reporter::{Reporter, Told},
};
use crate::{
    agent::{
        command::{Book, Offers},
        lease::Lease,
        ledger::{Accepted, Ledger, Notes, What},
        moment::now,
        resource::Platform,
    },
    component::pnp::TWINOPS,
    twin::Map,
};
pub(super) use risk::go_back;
pub(in crate::agent) use wanted::Policies;

/// What a pass is about.
pub(super) struct Work<'a, P: Platform> {
    pub(super) platform: &'a P,
    pub(super) ledger: &'a Ledger,
    pub(super) reporter: &'a mut Reporter,
    pub(super) accepted: &'a Accepted,
    /// What someone at the device set for a while.
    pub(super) leases: Vec<Lease>,
    /// Whether values that drifted on the device are set again.
    pub(super) heal: bool,
    /// What the device was commanded, and may be.
    pub(super) book: &'a Book,
    pub(super) offers: &'a Offers,
}

/// A pass under way.
pub(super) struct Pass<'a, P: Platform> {
    work: Work<'a, P>,
    /// The accepted properties with those on lease.
    desired: Map,
    policies: Policies,
    notes: Notes,
    items: Vec<Item<P::Resource>>,
    facts: BTreeMap<String, Map>,
    capabilities: BTreeMap<String, Map>,
    unrestored: BTreeMap<String, String>,
    /// What is no longer declared and can only be put back at a risk.
    risky: Vec<(String, String)>,
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
    /// Whether something was risked that holds only if the hub is reached with it.
    pub(crate) risked: bool,
}

impl<'a, P: Platform> Pass<'a, P> {
    pub(super) async fn new(work: Work<'a, P>) -> Self {
        let notes = work.ledger.notes().await;
        let patience = Some(Instant::now() + work.platform.pace().patience);
        let desired = wanted::with_leases(&work.accepted.desired, &work.leases);
        let policies = Policies::read(&desired);
        let (items, risky) = (Vec::new(), Vec::new());
        let (facts, capabilities, unrestored) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { work, desired, policies, notes, items, facts, capabilities, unrestored, risky, patience }
    }

    pub(super) async fn run(mut self) -> Outcome {
        self.notes.offline.told |= self.work.reporter.is_online();
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
        let (safe, dangerous): (Vec<_>, Vec<_>) = (0..self.items.len()).partition(|at| !self.is_risk(*at));
        for at in safe {
            self.bring_about(at).await;
        }
        let risked = self.risk(&dangerous).await;
        if let Err(fault) = self.work.ledger.note(&self.notes, self.work.accepted).await {
            warn!(%fault, "cannot keep what was applied; it is applied again after a restart");
        }
        // A link that may be broken by now is not asked to carry a report.
        let told = if risked { Told::All } else { self.tell().await };
        self.outcome(told, risked)
    }

    fn view<'v>(&'v self, now: &'v str) -> View<'v, P::Resource> {
        let own = self.desired.get(TWINOPS);
        let told = |name| Some((own?.get(name)?, self.work.accepted.touched(TWINOPS, name)));
        View {
            items: &self.items,
            facts: &self.facts,
            capabilities: &self.capabilities,
            unrestored: &self.unrestored,
            revision: told("revision"),
            policy: told("policy"),
            policy_fault: self.policies.fault(),
            leases: &self.work.leases,
            healed: &self.notes.healed,
            offline: &self.notes.offline,
            book: Some(self.work.book),
            offers: self.work.offers,
            last: self.work.reporter.last(),
            now,
        }
    }

    async fn tell(&mut self) -> Told {
        let report = self.view(&now()).render();
        self.work.reporter.tell(&report).await
    }

    /// Notes what nobody but this device sees; with a hub in reach its reports tell it.
    fn happened(&mut self, component: &str, property: &str, what: What) {
        if !self.work.reporter.is_online() {
            self.notes.set_offline(format!("{component}.{property}"), what, &now());
        }
    }

    fn outcome(&self, told: Told, risked: bool) -> Outcome {
        let may_help = |standing: &Standing| matches!(standing, Standing::Failed(_) | Standing::Skipped(_));
        let retry =
            told == Told::Busy || !self.unrestored.is_empty() || self.items.iter().any(|item| may_help(&item.standing));
        let failed = self.view("").standing().0.into_iter().map(str::to_owned).collect();
        Outcome { failed, retry, risked }
    }
}
