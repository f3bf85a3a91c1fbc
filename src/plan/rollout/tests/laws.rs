//! The definitions of `docs/verdicts.md`, evaluated the slow way, device by device and moment by moment: what the
//! implementation decides from sums has to be the same.

use proptest::prelude::*;

use super::*;

/// A rollout and its devices at one moment, in seconds.
#[derive(Debug, Clone)]
struct World {
    rollout: Rollout,
    devices: Vec<Seen>,
    approved: Vec<bool>,
    again: bool,
    now: i64,
}

impl World {
    fn implementation(&self) -> Decision {
        // Devices come in pages, and pages are merged: the order must not matter.
        let (left, right) = self.devices.split_at(self.devices.len() / 2);
        let mut progress = progress(&self.rollout, right);
        progress.merge(super::progress(&self.rollout, left));
        let question = Question {
            rollout: &self.rollout,
            progress: &progress,
            current: CURRENT,
            approved: &self.approved,
            again: self.again,
            now: self.now * 1000,
        };
        let decision = question.decide();
        let state = question.state(&decision);
        for (at, wave) in state.waves.iter().enumerate() {
            let counts = wave.counts;
            let parts = counts.held + counts.outside_window + counts.due + counts.updated();
            assert_eq!(parts, counts.devices, "each device is in exactly one column");
            assert_eq!(counts.devices, self.devices.iter().filter(|d| d.place.wave == at).count() as u64);
            assert!(at < decision.open || counts.due == 0, "nothing is due in a wave that is not open");
        }
        decision
    }

    /// Devices of waves up to `at`.
    fn so_far(&self, at: usize) -> impl Iterator<Item = &Seen> {
        self.devices.iter().filter(move |device| device.place.wave <= at)
    }

    fn newest(&self, at: usize) -> Option<Content> {
        let updated = || self.so_far(at).filter(|device| !is_outdated(device));
        if self.so_far(at).any(is_outdated) || updated().any(|device| device.content == Some(CURRENT)) {
            return Some(CURRENT);
        }
        let last = |content| updated().filter(|d| named(d) == content).filter_map(|d| d.written).max();
        updated().map(named).max_by_key(|content| (last(*content), *content))
    }

    /// Those that count, of all and of the newest alone.
    fn shares(&self, at: usize) -> [Vec<&Seen>; 2] {
        let newest = self.newest(at);
        let is_new = |device: &Seen| is_outdated(device) || Some(named(device)) == newest;
        let all = || self.so_far(at).filter(|device| device.counts);
        [all().collect(), all().filter(|device| is_new(device)).collect()]
    }

    fn needed(&self, share: &[&Seen]) -> usize {
        let percent = usize::from(self.rollout.gate.compliant);
        (0..=share.len().max(1)).find(|n| *n >= 1 && *n * 100 >= share.len() * percent).unwrap()
    }

    /// The first moment, in milliseconds, at which both shares are reached.
    fn reached(&self, at: usize) -> Option<i64> {
        let [all, new] = self.shares(at);
        let holds = |share: &[&Seen], moment: i64| {
            share.iter().filter(|d| matches!(d.way, Way::Compliant { at } if at <= moment)).count()
                >= self.needed(share)
        };
        (0..=200)
            .map(|second| second * 1000)
            .find(|moment| holds(&all, *moment) && (new.is_empty() || holds(&new, *moment)))
    }

    fn is_failing(&self, at: usize) -> bool {
        self.shares(at).iter().any(|share| {
            let failed = share.iter().filter(|device| device.way == Way::Failed).count();
            failed * 100 > share.len() * usize::from(self.rollout.gate.failed)
        })
    }

    /// The first write of what is newest: in the wave, or in the nearest one before it that has such a write.
    fn first(&self, at: usize) -> Option<i64> {
        let newest = self.newest(at)?;
        (0..=at).rev().find_map(|wave| {
            let there = self.devices.iter().filter(|d| d.place.wave == wave && !is_outdated(d) && named(d) == newest);
            there.filter_map(|device| device.written).min()
        })
    }

    fn definition(&self) -> (Phase, usize, &'static str) {
        if !self.again && self.devices.iter().any(|device| device.refuses.is_some()) {
            return (Phase::Rejected, 0, "rejected");
        }
        let (waves, gate, now) = (self.rollout.waves.len(), &self.rollout.gate, self.now * 1000);
        let soak = i64::try_from(gate.soak.as_millis()).unwrap();
        let patience = i64::try_from(self.rollout.patience().as_millis()).unwrap();
        for at in 0..waves {
            if self.rollout.waves[at].approval && !self.approved[at] {
                return (Phase::Rolling, at, "approval");
            }
            let has = |device: &Seen| device.place.wave > at && !is_outdated(device) && device.content == Some(CURRENT);
            if self.devices.iter().any(has) || self.so_far(at).count() == 0 {
                continue;
            }
            let passed = self.reached(at).is_some_and(|moment| moment + soak <= now);
            let is_over = self.first(at).is_some_and(|first| first + patience <= now);
            if at + 1 == waves && (passed || is_over) {
                continue;
            }
            if self.is_failing(at) {
                return self.missed(at, "failed");
            }
            if passed {
                continue;
            }
            if self.reached(at).is_some() {
                return (Phase::Rolling, at + 1, "soak");
            }
            let timeout = gate.timeout.map(|timeout| i64::try_from(timeout.as_millis()).unwrap());
            if self.first(at).zip(timeout).is_some_and(|(first, timeout)| first + timeout <= now) {
                return self.missed(at, "timeout");
            }
            let why = if self.so_far(at).any(|device| device.counts) { "compliance" } else { "nobody" };
            return (Phase::Rolling, at + 1, why);
        }
        let outside = self.devices.iter().any(|device| device.way == Way::Outdated { now: false });
        let phase = if self.devices.iter().any(is_outdated) { Phase::Rolling } else { Phase::Done };
        (phase, waves, if outside { "window" } else { "" })
    }

    fn missed(&self, at: usize, why: &'static str) -> (Phase, usize, &'static str) {
        let back = |device: &Seen| device.content == Some(CURRENT) && !is_outdated(device) && device.can_go_back;
        let rejects = self.rollout.on_failure == OnFailure::Rollback
            && self.newest(at) == Some(CURRENT)
            && self.devices.iter().any(back);
        (if rejects { Phase::Rejected } else { Phase::Paused }, 0, why)
    }
}

fn is_outdated(device: &Seen) -> bool {
    matches!(device.way, Way::Outdated { .. })
}

fn named(device: &Seen) -> Content {
    device.content.unwrap_or(Content::UNKNOWN)
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![
        2 => any::<bool>().prop_map(|now| Way::Outdated { now }),
        2 => Just(Way::Asked),
        5 => (0_i64..100).prop_map(compliant),
        1 => Just(Way::Failed),
    ]
}

fn device(waves: usize, of: GateOf) -> impl Strategy<Value = Seen> {
    let content = prop::option::weighted(0.9, (1_u128..4).prop_map(Content::of));
    let refuses = prop::option::weighted(0.02, Just(CURRENT));
    let written = prop::option::weighted(0.9, (0_i64..100).prop_map(|second| second * 1000));
    (0..waves, way(), any::<bool>(), content, written, refuses, any::<bool>()).prop_map(
        move |(wave, way, reachable, content, written, refuses, can_go_back)| Seen {
            place: Place { rollout: 0, wave },
            way,
            reachable,
            counts: way != Way::Outdated { now: false } && (reachable || of == GateOf::All),
            content,
            written,
            refuses,
            can_go_back,
        },
    )
}

fn world() -> impl Strategy<Value = World> {
    let of = prop_oneof![Just(GateOf::Reachable), Just(GateOf::All)];
    let shares = (prop_oneof![0_u8..=100, Just(95), Just(50)], prop_oneof![0_u8..=30, Just(0)]);
    let times = (0_u64..60, prop::option::of(1_u64..100));
    (1_usize..4, of, shares, times, any::<bool>()).prop_flat_map(|(waves, of, (compliant, failed), times, back)| {
        let rollout = (prop::collection::vec(prop::bool::weighted(0.2), waves)).prop_map(move |approval| {
            let name = |(at, approval)| Slice { approval, ..slice(&format!("w{at}"), None, None) };
            let gate = Gate { of, ..gate(compliant, failed, times.0, times.1) };
            let on_failure = if back { OnFailure::Rollback } else { OnFailure::Pause };
            Rollout { on_failure, ..rollout(approval.into_iter().enumerate().map(name).collect(), gate) }
        });
        let devices = prop::collection::vec(device(waves, of), 0..12);
        let approved = prop::collection::vec(any::<bool>(), waves);
        (rollout, devices, approved, prop::bool::weighted(0.1), 0_i64..200)
            .prop_map(|(rollout, devices, approved, again, now)| World { rollout, devices, approved, again, now })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn decisions_are_as_defined(world in world()) {
        prop_assert_eq!(told(&world.implementation()), world.definition());
    }

    #[test]
    fn a_wave_opens_only_behind_open_ones_and_nothing_goes_back_while_anything_is_open(world in world()) {
        let decision = world.implementation();
        prop_assert!(decision.open <= world.rollout.waves.len());
        prop_assert!(decision.back.is_empty() || decision.open == 0);
        prop_assert!(decision.phase != Phase::Done || decision.open == world.rollout.waves.len());
    }
}
