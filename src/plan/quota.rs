//! What carrying a plan out costs of the throttles of an Azure IoT Hub, and how long it takes at least (protocol
//! reference 14). Pure: the same table paces a run.

use std::{fmt, time::Duration};

use super::Plan;
use crate::fleet::{HubSpec, Sku};

/// A kind of request that a hub throttles by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// One page of a query.
    QueryPage,
    /// One device registered.
    Registration,
    /// One twin read from its document.
    TwinRead,
    /// One twin written.
    TwinWrite,
}

impl Operation {
    /// All of them, in the order in which a run comes to them.
    pub const ALL: [Self; 4] = [Self::QueryPage, Self::Registration, Self::TwinRead, Self::TwinWrite];

    /// What a call of it is named.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::QueryPage => "query page",
            Self::Registration => "registration",
            Self::TwinRead => "twin read",
            Self::TwinWrite => "twin write",
        }
    }
}

/// The throttles of a hub of some size, or a share of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Throttles {
    sku: Sku,
    units: u32,
    share: f64,
}

/// The share of a throttle that a run takes unless told otherwise: devices read and write the same twins.
pub const USUAL_SHARE: f64 = 0.8;

impl Throttles {
    /// Those of the hub that a fleet declares, all of them; `None` where no edition is declared, as for a hub of one's
    /// own: nothing is known of its limits then.
    pub fn of(hub: Option<&HubSpec>) -> Option<Self> {
        let hub = hub?;
        Some(Self { sku: hub.sku?, units: hub.units.unwrap_or(1).max(1), share: 1.0 })
    }

    /// A share of them, above 0 and at most 1.
    #[must_use]
    pub fn at(self, share: f64) -> Self {
        Self { share: share.clamp(0.01, 1.0), ..self }
    }

    /// Requests a second that this share allows of an operation.
    pub fn rate(&self, operation: Operation) -> f64 {
        let (units, is_large) = (f64::from(self.units), self.sku == Sku::S3);
        let minutely = |calls: f64| calls * units / 60.0;
        let per_second = match (operation, self.sku) {
            (Operation::QueryPage, _) => minutely(if is_large { 1000.0 } else { 20.0 }),
            (Operation::Registration, _) => minutely(if is_large { 5000.0 } else { 100.0 }),
            (Operation::TwinRead, Sku::F1 | Sku::S1) => 100.0,
            (Operation::TwinRead, Sku::S2) => (10.0 * units).max(100.0),
            (Operation::TwinRead, Sku::S3) => 500.0 * units,
            (Operation::TwinWrite, Sku::F1 | Sku::S1) => 50.0,
            (Operation::TwinWrite, Sku::S2) => (5.0 * units).max(50.0),
            (Operation::TwinWrite, Sku::S3) => 250.0 * units,
        };
        per_second * self.share
    }

    /// How many requests may come at once after a rest: half a minute's worth of what is counted by the minute, a tenth
    /// of a second's worth of the others, so that devices are not held up by a burst.
    pub fn burst(&self, operation: Operation) -> f64 {
        let window = match operation {
            Operation::QueryPage | Operation::Registration => 30.0,
            Operation::TwinRead | Operation::TwinWrite => 0.1,
        };
        (self.rate(operation) * window).max(1.0)
    }
}

/// How the twins of a plan are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// By a query, in pages of so many twins.
    Pages(u32),
    /// One by one.
    Each,
    /// Not at all: the plan was made before.
    Before,
}

/// What a plan costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Quota {
    /// The edition of the hub.
    pub sku: Sku,
    /// Units of it.
    pub units: u32,
    /// The share of the throttles that a run will take, above 0 and at most 1.
    pub share: f64,
    /// What is done how often; only what is done at all.
    pub phases: Vec<Phase>,
    /// The least time for all: looking comes first, the others go side by side.
    pub total: Cost,
}

/// The calls of one operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phase {
    /// Which.
    pub operation: Operation,
    /// How many.
    pub calls: u64,
    /// How long they take.
    pub cost: Cost,
}

/// How long calls take at least.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// With the whole throttle.
    pub at_least: Duration,
    /// With the share of it that a run takes.
    pub at_share: Duration,
}

impl Quota {
    /// Predicts what `plan` costs. Nobody can say how many twins will move on meanwhile: each costs a read and a write
    /// more.
    pub fn predict(throttles: Throttles, plan: &Plan, looked: Looked) -> Self {
        let phases: Vec<Phase> = Operation::ALL
            .into_iter()
            .map(|operation| (operation, calls(operation, plan, looked)))
            .filter(|(_, calls)| *calls > 0)
            .map(|(operation, calls)| Phase { operation, calls, cost: cost(throttles, operation, calls) })
            .collect();
        let sum = |of: fn(&Cost) -> Duration| {
            let (looking, acting): (Vec<&Phase>, Vec<&Phase>) =
                phases.iter().partition(|phase| phase.operation == Operation::QueryPage);
            let longest = acting.iter().map(|phase| of(&phase.cost)).max().unwrap_or_default();
            looking.iter().map(|phase| of(&phase.cost)).sum::<Duration>() + longest
        };
        let total = Cost { at_least: sum(|cost| cost.at_least), at_share: sum(|cost| cost.at_share) };
        Self { sku: throttles.sku, units: throttles.units, share: throttles.share, phases, total }
    }
}

fn calls(operation: Operation, plan: &Plan, looked: Looked) -> u64 {
    let devices = || plan.groups.iter().flat_map(|group| &group.devices);
    let new = || devices().filter(|planned| planned.register.is_some()).count() as u64;
    match (operation, looked) {
        (Operation::QueryPage, Looked::Pages(size)) => plan.counts.examined.div_ceil(u64::from(size.max(1))).max(1),
        (Operation::QueryPage, Looked::Each | Looked::Before) => 0,
        // What is registered is read before it is written.
        (Operation::Registration, _) | (Operation::TwinRead, Looked::Pages(_)) => new(),
        (Operation::TwinRead, Looked::Each) => new() + plan.counts.examined,
        // What was saved without its secrets is read again.
        (Operation::TwinRead, Looked::Before) => {
            let redacted = plan.groups.iter().filter(|group| group.is_redacted());
            new() + redacted.map(|group| group.devices.len() as u64).sum::<u64>()
        }
        (Operation::TwinWrite, _) => {
            let writes = plan.groups.iter().map(|group| {
                let each = 1 + u64::from(group.before.is_some());
                each * group.devices.len() as u64
            });
            writes.sum()
        }
    }
}

fn cost(throttles: Throttles, operation: Operation, calls: u64) -> Cost {
    let at = |share: f64| seconds(calls, throttles.at(share).rate(operation));
    Cost { at_least: at(1.0), at_share: at(throttles.share) }
}

#[expect(clippy::cast_precision_loss, reason = "a fleet has a million devices")]
fn seconds(calls: u64, rate: f64) -> Duration {
    Duration::from_secs_f64(calls as f64 / rate)
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::F1 => "F1",
            Self::S1 => "S1",
            Self::S2 => "S2",
            Self::S3 => "S3",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::{
        fleet::{IdentityKind, IdentitySpec},
        plan::{Counts, Group, GroupKind, PlannedDevice},
    };

    fn hub(sku: Sku, units: u32) -> Throttles {
        Throttles::of(Some(&HubSpec { hostname: None, sku: Some(sku), units: Some(units) })).unwrap()
    }

    /// A plan for so many devices, of which the first few are new.
    fn plan(devices: u64, new: u64, twice: bool) -> Plan {
        let raw = || RawValue::from_string("{}".to_owned()).unwrap().into();
        let sas = IdentitySpec { kind: IdentityKind::Sas, primary_thumbprint: None, secondary_thumbprint: None };
        let planned = |index: u64| PlannedDevice {
            device: format!("d{index}").parse().unwrap(),
            etag: None,
            managed: false,
            register: (index < new).then(|| Box::new(sas.clone())),
        };
        let group = Group {
            kind: GroupKind::Change,
            deltas: [].into(),
            patch: raw(),
            before: twice.then(raw),
            redacted: None,
            goes_back: false,
            devices: (0..devices).map(planned).collect(),
        };
        Plan { groups: vec![group], counts: Counts { examined: devices, ..Counts::default() }, ..Plan::default() }
    }

    /// `calls operation, at least s` of each phase, and of all.
    fn told(throttles: Throttles, plan: &Plan, looked: Looked) -> Vec<String> {
        let quota = Quota::predict(throttles, plan, looked);
        let phase = |phase: &Phase| {
            format!("{} {}, {} s", phase.calls, phase.operation.noun(), phase.cost.at_least.as_secs_f64())
        };
        let total = format!("{} s, {} s", quota.total.at_least.as_secs_f64(), quota.total.at_share.as_secs_f64());
        quota.phases.iter().map(phase).chain([total]).collect()
    }

    #[test]
    fn the_figures_of_the_reference_come_out() {
        let ten_thousand = told(hub(Sku::S1, 1), &plan(10_000, 0, false), Looked::Pages(1000));
        assert_eq!(ten_thousand, ["10 query page, 30 s", "10000 twin write, 200 s", "230 s, 230 s"]);
        let one_by_one = told(hub(Sku::S1, 1), &plan(10_000, 0, false), Looked::Each);
        assert_eq!(one_by_one, ["10000 twin read, 100 s", "10000 twin write, 200 s", "200 s, 200 s"]);
    }

    #[test]
    fn what_is_registered_is_read_and_what_is_prepared_is_written_twice() {
        let new = told(hub(Sku::S1, 1).at(0.5), &plan(500, 500, true), Looked::Pages(1000));
        let phases = ["1 query page, 3 s", "500 registration, 300 s", "500 twin read, 5 s", "1000 twin write, 20 s"];
        assert_eq!(new[..4], phases);
        assert_eq!(new[4], "303 s, 606 s");
    }

    #[test]
    fn units_count_where_the_hub_counts_them() {
        let of = |sku, units, operation| hub(sku, units).rate(operation);
        assert!((of(Sku::S1, 20, Operation::TwinWrite) - 50.0).abs() < 1e-9);
        assert!((of(Sku::S2, 20, Operation::TwinWrite) - 100.0).abs() < 1e-9);
        assert!((of(Sku::S3, 10, Operation::TwinWrite) - 2500.0).abs() < 1e-9);
        assert!((of(Sku::S2, 3, Operation::QueryPage) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_is_known_of_a_hub_of_ones_own() {
        assert_eq!(Throttles::of(None), None);
        assert_eq!(Throttles::of(Some(&HubSpec { hostname: None, sku: None, units: Some(2) })), None);
    }
}
