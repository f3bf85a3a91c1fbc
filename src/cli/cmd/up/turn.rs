//! One turn of `up`: read the files, start what is new, plan, write, wait for the devices.

use std::{sync::Arc, time::Duration};

use tokio::{task::block_in_place, time::Instant};

use super::devices::Devices;
use crate::{
    cli::{
        Failure,
        args::UpArgs,
        permit::Permit,
        prepare::{Desk, Prepared, Ready},
        replan::{Afresh, Again},
        watch::Watch,
        workspace::{Files, Workspace},
    },
    client::HubClient,
    plan::Plan,
    reconcile::{
        self, Converged, Limits, Outcome, Patience, Standing, acknowledged,
        ports::{HubError, TwinRead as _},
        survey,
    },
    report::{Format, OutcomeReport, PlanReport},
    task::{Group, Stop},
    twin::{DeviceId, TwinRow},
};

/// What a turn needs that stays the same.
pub(super) struct Turn<'a> {
    pub(super) desk: &'a Desk<'a>,
    pub(super) workspace: &'a Workspace,
    pub(super) client: &'a HubClient,
    pub(super) args: &'a UpArgs,
    pub(super) stop: &'a Stop,
}

/// How a turn ended.
pub(super) enum End {
    /// Every device is at the revision.
    Settled,
    /// Some device failed, or did not answer in time.
    Unsettled,
    /// The files were saved again before the devices had caught up.
    Overtaken,
    /// The repository is not sound; told.
    Findings,
}

/// Often at first: the hub is on this machine, and the devices are quick.
const LOOK: Patience = Patience {
    total: Duration::from_secs(30),
    first: Duration::from_millis(20),
    longest: Duration::from_millis(250),
    settled: Duration::from_secs(10),
};

impl Turn<'_> {
    /// Takes a turn.
    pub(super) async fn take(
        &self,
        devices: &mut Devices,
        group: &mut Group,
        watch: &mut Watch,
    ) -> Result<End, Failure> {
        let begun = Instant::now();
        let declared = block_in_place(|| self.workspace.worktree())?;
        let Ready::Go(prepared) = self.desk.prepare(self.workspace, declared).await? else { return Ok(End::Findings) };
        let started = devices.follow(prepared.planner.fleet(), self.client, group).await?;
        self.first_words(started).await?;
        let Ready::Go(mut plan) = self.plan(&prepared).await? else { return Ok(End::Findings) };
        if plan.is_empty() {
            self.desk.printer.say(format_args!("nothing to change on {} devices", plan.counts.examined));
            return Ok(End::Settled);
        }
        Permit::new(&[]).judge(&prepared.planner, &mut plan, true);
        for ruling in std::mem::take(&mut plan.rulings).iter().filter(|ruling| ruling.leave.is_none()) {
            let (guard, said) = (ruling.guard, &ruling.message);
            self.desk.printer.warn(format_args!("`{guard}` refuses: {said}; `twinops reconcile` would stop here"));
        }
        self.carry_out(&prepared, plan, watch, begun).await
    }

    /// Waits until devices that have just been started have reported for the first time: what they are decides what
    /// they are told.
    async fn first_words(&self, started: Vec<DeviceId>) -> Result<(), HubError> {
        if started.is_empty() {
            return Ok(());
        }
        let count = started.len();
        let spoken = |row: &TwinRow<'_>| match row.properties.reported.member("twinops") {
            Some(_) if row.is_connected() => Standing::Done,
            _ => Standing::Waiting,
        };
        let patience = Patience { total: Duration::from_secs(10), ..LOOK };
        let met = reconcile::converge(self.client, started, &spoken, patience, &|_, _| (), self.stop).await?;
        self.desk.printer.say(format_args!("{} of {count} simulated devices are connected", met.done.len()));
        Ok(())
    }

    async fn plan(&self, prepared: &Prepared) -> Result<Ready<Plan>, Failure> {
        let pages = self.client.twins("SELECT * FROM devices");
        // At a desk nobody waits for a gate.
        let rollouts = survey::Rollouts::Ignored;
        match survey::plan(pages, Arc::clone(&prepared.planner), &|_| true, rollouts).await? {
            Ok(plan) => Ok(Ready::Go(plan)),
            Err(findings) => {
                self.desk.findings(&prepared.declared, &findings)?;
                Ok(Ready::Findings)
            }
        }
    }

    async fn carry_out(
        &self,
        prepared: &Prepared,
        plan: Plan,
        watch: &mut Watch,
        begun: Instant,
    ) -> Result<End, Failure> {
        let Desk { printer, format, .. } = *self.desk;
        let places = Files::new(&prepared.declared.source, self.desk.root);
        if !matches!(format, Format::Json | Format::Sarif | Format::Junit) {
            printer.report(&PlanReport { plan: &plan, places: &places }, format)?;
        }
        let touched: Vec<DeviceId> =
            plan.groups.iter().flat_map(|group| &group.devices).map(|planned| planned.device.clone()).collect();
        let rollouts = plan.rollouts.clone();
        let replan = Again::Freely(Afresh { planner: Arc::clone(&prepared.planner), permit: None, rollouts });
        let outcome = reconcile::apply(plan, self.client, &replan, Limits::default(), &|_| (), self.stop).await;
        let waiting = self.wait(touched, prepared.planner.revision());
        let converged = tokio::select! {
            // Giving up the wait loses nothing: the next turn looks afresh.
            converged = waiting => converged?,
            () = watch.changed(), if !self.args.once => return Ok(End::Overtaken),
        };
        self.tell(prepared, &outcome, &converged, begun)?;
        let settled = outcome.is_complete() && converged.is_complete();
        Ok(if settled { End::Settled } else { End::Unsettled })
    }

    async fn wait(&self, devices: Vec<DeviceId>, revision: &str) -> Result<Converged, HubError> {
        let total = if self.args.once { self.args.timeout } else { LOOK.total };
        let progress = self.desk.printer.progress("waiting for devices", Some(devices.len() as u64));
        let shown = |done: usize, _: usize| progress.at(done as u64);
        let patience = Patience { total, ..LOOK };
        let standing = acknowledged(revision);
        let converged = reconcile::converge(self.client, devices, &standing, patience, &shown, self.stop).await;
        progress.finish();
        converged
    }

    fn tell(
        &self,
        prepared: &Prepared,
        outcome: &Outcome,
        converged: &Converged,
        begun: Instant,
    ) -> Result<(), Failure> {
        let Desk { printer, format, .. } = *self.desk;
        let (fleet, revision) = (prepared.planner.fleet().name.as_str(), prepared.planner.revision());
        printer.report(
            &OutcomeReport { fleet, revision, outcome, converged: Some(converged), rulings: &[], rollouts: &[] },
            format,
        )?;
        printer.say(format_args!(
            "{} devices applied it within {:.2} s of the save",
            converged.done.len(),
            begun.elapsed().as_secs_f64()
        ));
        Ok(())
    }
}
