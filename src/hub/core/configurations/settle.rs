//! One twin is brought to what configurations want of it.

use std::sync::Arc;

use super::{
    changed::Before,
    set::{Bits, Set},
};
use crate::{
    hub::{
        core::{Core, Decision, device_link, queries::RecordFields},
        failure::Failure,
        ports::{LinkId, Links},
        record::{Record, Step},
        store::{Change, Outcome, Span, Store, StoreError},
        time,
    },
    query::Sieve,
};

/// Modules that are read at a time.
const PAGE: usize = 64;

impl<S: Store, L: Links> Core<S, L> {
    /// A record was written.
    pub(in crate::hub::core) fn changed(&self, before: Option<Before>, record: &Record) {
        self.configurations.note(before, record);
    }

    /// Writes a batch. Whatever records are in it are evaluated soon.
    pub(in crate::hub::core) async fn commit(&self, batch: Vec<Change>) -> Result<Outcome, StoreError> {
        let record = |change: &Change| match change {
            Change::Insert(record) | Change::Update(record) => Some(Arc::clone(record)),
            _ => None,
        };
        let records: Vec<_> = batch.iter().filter_map(record).collect();
        let outcome = self.store.write(batch).await?;
        if outcome == Outcome::Written {
            for record in &records {
                self.changed(None, record);
            }
        }
        Ok(outcome)
    }

    /// What is to be done about a record now, if anything.
    pub(super) fn step(&self, set: &Set, record: &Record, deployments: Bits) -> Result<Option<Step>, Failure> {
        let meant = set.meant(record, &RecordFields::new(record, &self.presence));
        let wanted = set.wanted(record, meant | deployments);
        record.step(&wanted, &|id, digest| set.lives(id, digest), &time::text(time::now()))
    }

    /// Brings a twin to what is wanted; the device hears of it. The record as it is now.
    pub(super) async fn settle(&self, set: &Set, link: &LinkId, deployments: Bits) -> Result<Arc<Record>, Failure> {
        let change = |record: &mut Record| {
            Ok(match self.step(set, record, deployments)? {
                None => Decision::Leave(None),
                Some(step) => Decision::Write(record.take(step)),
            })
        };
        let record = self.change_twin(link, change).await?;
        self.configurations.forget(&record);
        Ok(record)
    }

    /// The same for whatever a change of one twin can make a difference to.
    pub(super) async fn settle_around(&self, set: &Set, link: &LinkId) -> Result<(), Failure> {
        let Some(record) = self.store.get(link).await? else { return Ok(()) };
        if link.module.is_some() {
            let deployments = self.deployments_of(set, link).await?;
            return self.settle_if(set, &record, deployments).await;
        }
        self.settle_if(set, &record, 0).await?;
        if !set.has_edge() {
            return Ok(());
        }
        let deployments = self.deployments(set, &record);
        self.make_modules(set, &record, deployments).await?;
        let mut after = None;
        loop {
            let span = Span::ModulesOf(&link.device);
            let modules = self.store.scan(span, after.as_ref(), &Sieve::Anything, PAGE).await?;
            for module in &modules.records {
                self.settle_if(set, module, deployments).await?;
            }
            after = modules.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn settle_if(&self, set: &Set, record: &Record, deployments: Bits) -> Result<(), Failure> {
        if self.step(set, record, deployments)?.is_some() {
            self.settle(set, &record.link, deployments).await?;
        }
        Ok(())
    }

    /// The deployments that the modules of a device obey.
    pub(super) fn deployments(&self, set: &Set, device: &Record) -> Bits {
        set.deployments(set.meant(device, &RecordFields::new(device, &self.presence)))
    }

    /// The deployments that a module obeys.
    pub(super) async fn deployments_of(&self, set: &Set, module: &LinkId) -> Result<Bits, Failure> {
        if !set.has_edge() {
            return Ok(0);
        }
        let device = self.store.get(&device_link(&module.device)).await?;
        Ok(device.map_or(0, |device| self.deployments(set, &device)))
    }
}
