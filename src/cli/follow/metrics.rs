//! What a reconciler counts, for Prometheus. Nothing is counted by device.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::{
    plan::{GroupKind, Plan, Verdict, rollout::RolloutState},
    reconcile::{Event, Outcome},
};

type Word = (&'static str, Cow<'static, str>);
type Label = [Word; 1];

/// See the module.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    runs: Family<Label, Counter>,
    devices: Family<Label, Gauge>,
    planned: Family<Label, Gauge>,
    plan_seconds: Histogram,
    apply_seconds: Histogram,
    writes: Family<Label, Counter>,
    calls: Family<Label, Counter>,
    throttled: Counter,
    throttle_seconds: Counter<f64, std::sync::atomic::AtomicU64>,
    compliance_seconds: Gauge<f64, std::sync::atomic::AtomicU64>,
    last_success: Gauge,
    rollouts: Family<[Word; 2], Gauge>,
    holds: Family<[Word; 3], Gauge>,
    waves: Family<[Word; 3], Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        let seconds = || Histogram::new(exponential_buckets(0.05, 2.0, 16));
        let mut metrics = Self {
            registry: Registry::with_prefix("twinops_reconcile"),
            runs: Family::default(),
            devices: Family::default(),
            planned: Family::default(),
            plan_seconds: seconds(),
            apply_seconds: seconds(),
            writes: Family::default(),
            calls: Family::default(),
            throttled: Counter::default(),
            throttle_seconds: Counter::default(),
            compliance_seconds: Gauge::default(),
            last_success: Gauge::default(),
            rollouts: Family::default(),
            holds: Family::default(),
            waves: Family::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let all = &mut self.registry;
        all.register("runs", "Runs, by how they ended", self.runs.clone());
        all.register("devices", "Devices by verdict, at the last look at all of them", self.devices.clone());
        all.register("planned_devices", "Devices of the last plan, by what they need", self.planned.clone());
        let plan = self.plan_seconds.clone();
        all.register_with_unit("plan_duration", "From a commit to its plan", Unit::Seconds, plan);
        let apply = self.apply_seconds.clone();
        all.register_with_unit("apply_duration", "From a plan to its end", Unit::Seconds, apply);
        all.register("device_ends", "What came of devices that had a write planned", self.writes.clone());
        all.register("hub_calls", "Requests to the hub, by status; 0: no answer", self.calls.clone());
        all.register("throttles", "Times that the hub asked for less", self.throttled.clone());
        let waits = self.throttle_seconds.clone();
        all.register_with_unit("throttle_waits", "Time that runs have waited for the hub", Unit::Seconds, waits);
        let compliance = self.compliance_seconds.clone();
        let help = "From the last commit until no device that can be reached was behind";
        all.register_with_unit("time_to_compliance", help, Unit::Seconds, compliance);
        all.register("last_success_timestamp", "When a run last ended well, since 1970", self.last_success.clone());
        all.register("rollout_phase", "1 for the phase that a rollout is in", self.rollouts.clone());
        let help = "1 for the wave, and the reason, that a rollout is held at";
        all.register("rollout_hold", help, self.holds.clone());
        let help = "Devices of the waves of rollouts, each in one state";
        all.register("rollout_devices", help, self.waves.clone());
    }

    pub(super) fn ran(&self, how: &'static str) {
        self.runs.get_or_create(&[("state", how.into())]).inc();
        if how == "reconciled" {
            self.last_success.set(jiff::Timestamp::now().as_second());
        }
    }

    pub(super) fn planned(&self, plan: &Plan, took: Duration) {
        self.plan_seconds.observe(took.as_secs_f64());
        let (change, adopt) = (plan.devices(GroupKind::Change), plan.devices(GroupKind::Adopt));
        for (need, count) in [("change", change), ("adopt", adopt), ("nothing", plan.counts.unchanged)] {
            self.planned.get_or_create(&[("need", need.into())]).set(gauge(count));
        }
        self.rollouts(plan.rollouts.states());
    }

    /// How rollouts stand. What they do not name any more is forgotten.
    pub(super) fn rollouts(&self, states: &[RolloutState]) {
        self.rollouts.clear();
        self.holds.clear();
        self.waves.clear();
        for state in states {
            let rollout = ("rollout", Cow::from(state.name.to_string()));
            let phase = ("phase", state.phase.word().into());
            self.rollouts.get_or_create(&[rollout.clone(), phase]).set(1);
            if let Some(hold) = &state.hold {
                let (wave, reason) = (("wave", hold.wave.to_string().into()), ("reason", hold.reason.word().into()));
                self.holds.get_or_create(&[rollout.clone(), wave, reason]).set(1);
            }
            for wave in &state.waves {
                let name = ("wave", Cow::from(wave.name.to_string()));
                for (word, count) in wave.counts.states() {
                    let labels = [rollout.clone(), name.clone(), ("state", word.into())];
                    self.waves.get_or_create(&labels).set(gauge(count));
                }
            }
        }
    }

    pub(super) fn event(&self, event: &Event) {
        if let Event::Throttled { wait, .. } = event {
            self.throttled.inc();
            self.throttle_seconds.inc_by(wait.as_secs_f64());
        }
    }

    pub(super) fn applied(&self, outcome: &Outcome, took: Duration) {
        self.apply_seconds.observe(took.as_secs_f64());
        let ends = [
            ("applied", outcome.applied),
            ("adopted", outcome.adopted),
            ("unchanged", outcome.unchanged),
            ("stale", outcome.stale.len() as u64),
            ("failed", outcome.failed.len() as u64),
            ("not-attempted", outcome.not_attempted),
        ];
        for (end, count) in ends {
            self.writes.get_or_create(&[("end", end.into())]).inc_by(count);
        }
    }

    pub(super) fn calls(&self, calls: &BTreeMap<u16, u64>) {
        for (status, count) in calls {
            self.calls.get_or_create(&[("status", status.to_string().into())]).inc_by(*count);
        }
    }

    pub(super) fn verdicts(&self, devices: &BTreeMap<Verdict, u64>) {
        self.devices.clear();
        for (verdict, count) in devices {
            self.devices.get_or_create(&[("verdict", verdict.to_string().into())]).set(gauge(*count));
        }
    }

    pub(super) fn compliant_after(&self, took: Duration) {
        self.compliance_seconds.set(took.as_secs_f64());
    }

    /// All of it as text.
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        let written = encode(&mut text, &self.registry);
        debug_assert!(written.is_ok(), "a String takes everything");
        text
    }
}

fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rollout::{Hold, Phase, Reason, WaveCounts, WaveState};

    #[test]
    fn gates_are_shown_by_what_holds_them_and_forgotten_when_nothing_does() {
        let hold = Hold { wave: "canary".into(), reason: Reason::Soak, since: None, until: None };
        let counts = WaveCounts { devices: 3, compliant: 2, failed: 1, ..WaveCounts::default() };
        let wave = WaveState { name: "canary".into(), open: true, counts, took: None, outstanding: Vec::new() };
        let mut state =
            RolloutState { name: "kiosks".into(), phase: Phase::Rolling, hold: Some(hold), waves: vec![wave] };
        let metrics = Metrics::default();
        metrics.rollouts(std::slice::from_ref(&state));
        let text = metrics.render();
        for line in [
            r#"twinops_reconcile_rollout_phase{rollout="kiosks",phase="rolling"} 1"#,
            r#"twinops_reconcile_rollout_hold{rollout="kiosks",wave="canary",reason="soak"} 1"#,
            r#"twinops_reconcile_rollout_devices{rollout="kiosks",wave="canary",state="failed"} 1"#,
        ] {
            assert!(text.contains(line), "`{line}` is missing from:\n{text}");
        }
        (state.phase, state.hold) = (Phase::Done, None);
        metrics.rollouts(&[state]);
        let text = metrics.render();
        assert!(text.contains(r#"phase="done""#) && !text.contains("rollout_hold{"), "{text}");
        assert!(!text.contains(r#"phase="rolling""#), "{text}");
    }
}
