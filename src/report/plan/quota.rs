//! What a plan costs of the hub's throttles, in words and for programs.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    fleet::Sku,
    plan::quota::{Operation, Phase, Quota},
    report::{
        Rank,
        page::{Inline, Part},
        words,
    },
};

/// One sentence a phase, and one for all: `10,000 twin writes on S1: at least 200 s, 250 s at 80%`.
pub(super) fn lines(quota: &Quota) -> Vec<String> {
    let hub = match quota.units {
        1 => quota.sku.to_string(),
        units => format!("{units} units of {}", quota.sku),
    };
    let share = percent(quota.share);
    let timed = |at_least: Duration, at_share: Duration| {
        if at_share < Duration::from_secs(1) {
            return "under 1 s".to_owned();
        }
        let (all, part) = (words::length(at_least), words::length(at_share));
        if all == part { format!("at least {all}") } else { format!("at least {all}, {part} at {share}") }
    };
    let phase = |Phase { operation, calls, cost }: &Phase| {
        let calls = words::count_grouped(*calls, operation.noun());
        format!("{calls} on {hub}: {}", timed(cost.at_least, cost.at_share))
    };
    let total = format!("all together: {}", timed(quota.total.at_least, quota.total.at_share));
    let several = quota.phases.len() > 1;
    quota.phases.iter().map(phase).chain(several.then_some(total)).collect()
}

/// The whole as the title, what is done how often below it.
pub(super) fn part(quota: &Quota) -> Part {
    let mut lines = lines(quota);
    let Some(total) = lines.pop() else { return Part::open("quota") };
    let title = Inline::default().strong("quota").prose(format!(" {total}"));
    let part = Part::folded("quota", title).list(lines.into_iter().map(Inline::of));
    Part { rank: Rank::First, ..part }
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

/// What a plan costs of the throttles of the hub that the fleet declares.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Quota")]
pub(super) struct View {
    /// The edition of the hub.
    sku: Sku,
    /// Units of it.
    units: u32,
    /// The share of the throttles that `reconcile` takes, above 0 and at most 1.
    share: f64,
    /// What is done how often; only what is done at all.
    phases: Vec<PhaseView>,
    /// Seconds for all at least, with the whole throttles.
    at_least_seconds: f64,
    /// Seconds for all at least, with the share of them.
    at_share_seconds: f64,
}

/// The calls of one operation.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Phase")]
struct PhaseView {
    /// Which.
    operation: OperationWord,
    /// How many.
    calls: u64,
    /// Seconds that they take at least, with the whole throttle.
    at_least_seconds: f64,
    /// Seconds that they take at least, with the share of it.
    at_share_seconds: f64,
}

/// A kind of request that a hub throttles by itself.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum OperationWord {
    /// One page of a query.
    QueryPage,
    /// One device registered.
    Registration,
    /// One twin read.
    TwinRead,
    /// One twin written.
    TwinWrite,
}

impl From<&Quota> for View {
    fn from(quota: &Quota) -> Self {
        Self {
            sku: quota.sku,
            units: quota.units,
            share: quota.share,
            phases: quota.phases.iter().map(PhaseView::from).collect(),
            at_least_seconds: rounded(quota.total.at_least),
            at_share_seconds: rounded(quota.total.at_share),
        }
    }
}

impl From<&Phase> for PhaseView {
    fn from(phase: &Phase) -> Self {
        Self {
            operation: match phase.operation {
                Operation::QueryPage => OperationWord::QueryPage,
                Operation::Registration => OperationWord::Registration,
                Operation::TwinRead => OperationWord::TwinRead,
                Operation::TwinWrite => OperationWord::TwinWrite,
            },
            calls: phase.calls,
            at_least_seconds: rounded(phase.cost.at_least),
            at_share_seconds: rounded(phase.cost.at_share),
        }
    }
}

/// Seconds to the hundredth: more would be a promise.
fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 100.0).round() / 100.0
}
