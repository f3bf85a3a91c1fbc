//! Going through all twins, page by page, with memory for one.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{
    engine::{Ended, Engine},
    set::{Bits, Set},
    tally::Tally,
};
use crate::{
    hub::{
        core::queries::RecordFields,
        failure::Failure,
        ports::{LinkId, Links},
        record::Record,
        store::{Scanned, Span, Store},
        time,
    },
    query::Sieve,
    task::Stop,
    twin::DeviceId,
};

/// Records that are read at a time.
const PAGE: usize = 256;
/// Twins that are written at a time: the store commits them together.
pub(super) const AT_ONCE: usize = 64;
/// Records between which others get a turn.
const BREATH: usize = 32;

/// What is under way for the records that have to change.
type Running = JoinSet<(LinkId, Result<Arc<Record>, Failure>)>;

/// One way through.
struct Pass {
    set: Arc<Set>,
    /// Nothing once the configurations changed on the way.
    tally: Option<Tally>,
    /// When the page was read.
    time: String,
    running: Running,
    /// The device whose modules are gone through, and the deployments that they obey.
    device: Option<(DeviceId, Bits)>,
}

impl<S: Store, L: Links> Engine<S, L> {
    /// Evaluates all twins and keeps what the metrics come to. Whether it came to its end.
    pub(super) async fn pass(&mut self, stop: &Stop) -> Result<bool, Failure> {
        let set = Arc::clone(&self.set);
        let tally = Some(Tally::new(&set));
        let mut pass = Pass { set, tally, time: String::new(), running: JoinSet::new(), device: None };
        let ended = self.go_through_all(&mut pass, stop).await;
        // What is stored must also be told.
        while let Some(ended) = pass.running.join_next().await {
            self.settled(&mut pass, ended);
        }
        if !ended? {
            return Ok(false);
        }
        if let Some(tally) = &pass.tally {
            self.core.keep_results(&pass.set, tally).await?;
        }
        Ok(true)
    }

    async fn go_through_all(&mut self, pass: &mut Pass, stop: &Stop) -> Result<bool, Failure> {
        Ok(self.go_through(pass, Span::Devices, stop).await? && self.go_through(pass, Span::Modules, stop).await?)
    }

    async fn go_through(&mut self, pass: &mut Pass, span: Span<'static>, stop: &Stop) -> Result<bool, Failure> {
        let mut after = None;
        loop {
            let Scanned { records, next } = self.core.store.scan(span, after.as_ref(), &Sieve::Anything, PAGE).await?;
            pass.time = time::text(time::now());
            for (at, record) in records.into_iter().enumerate() {
                self.look(pass, record).await?;
                if at % BREATH == 0 {
                    tokio::task::yield_now().await;
                }
            }
            while let Some(ended) = pass.running.join_next().await {
                self.settled(pass, ended);
            }
            after = next;
            if after.is_none() {
                return Ok(true);
            }
            if stop.is_requested() || !self.between(pass).await? {
                return Ok(false);
            }
        }
    }

    /// What cannot wait for the end. Whether to go on.
    async fn between(&mut self, pass: &mut Pass) -> Result<bool, Failure> {
        if self.refresh().await? {
            (pass.set, pass.tally, pass.device) = (Arc::clone(&self.set), None, None);
        }
        self.catch_up().await?;
        self.holds().await
    }

    /// Looks at one record, and writes it if it has to change.
    async fn look(&mut self, pass: &mut Pass, record: Record) -> Result<(), Failure> {
        let deployments = self.deployments(pass, &record.link).await?;
        let (step, meant) = {
            let fields = RecordFields::new(&record, &self.core.presence);
            let meant = pass.set.meant(&record, &fields);
            let wanted = pass.set.wanted(&record, meant | deployments);
            let step = record.step(&wanted, &|id, digest| pass.set.lives(id, digest), &pass.time);
            if let (Ok(None), Some(tally)) = (&step, &mut pass.tally) {
                tally.count(&pass.set, &record, meant, &fields);
            }
            (step.map(|step| step.is_some()), meant)
        };
        if record.link.module.is_none() {
            let made = self.core.make_modules(&pass.set, &record, pass.set.deployments(meant)).await;
            made.unwrap_or_else(|failure| self.complain(&record.link, &failure));
        }
        match step {
            Ok(false) => {}
            Ok(true) => self.begin(pass, record.link, deployments).await,
            Err(failure) => {
                self.complain(&record.link, &failure);
                self.count(pass, &record);
            }
        }
        Ok(())
    }

    async fn begin(&mut self, pass: &mut Pass, link: LinkId, deployments: Bits) {
        if pass.running.len() >= AT_ONCE
            && let Some(ended) = pass.running.join_next().await
        {
            self.settled(pass, ended);
        }
        let (core, set) = (Arc::clone(&self.core), Arc::clone(&pass.set));
        pass.running.spawn(async move {
            let settled = core.settle(&set, &link, deployments).await;
            (link, settled)
        });
    }

    fn settled(&mut self, pass: &mut Pass, ended: Ended<Arc<Record>>) {
        match ended {
            Ok((_, Ok(record))) => self.count(pass, &record),
            Ok((link, Err(failure))) => self.complain(&link, &failure),
            Err(error) => tracing::error!(%error, "the evaluation of a twin broke off"),
        }
    }

    fn count(&self, pass: &mut Pass, record: &Record) {
        if let Some(tally) = &mut pass.tally {
            let fields = RecordFields::new(record, &self.core.presence);
            tally.count(&pass.set, record, pass.set.meant(record, &fields), &fields);
        }
    }

    /// The deployments that a record obeys; modules of one device come one after another.
    async fn deployments(&self, pass: &mut Pass, link: &LinkId) -> Result<Bits, Failure> {
        if link.module.is_none() {
            return Ok(0);
        }
        if let Some((device, deployments)) = &pass.device
            && *device == link.device
        {
            return Ok(*deployments);
        }
        let deployments = self.core.deployments_of(&pass.set, link).await?;
        pass.device = Some((link.device.clone(), deployments));
        Ok(deployments)
    }
}
