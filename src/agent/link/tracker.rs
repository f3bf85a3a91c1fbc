//! Which desired notifications count (protocol reference 11.7). Pure.

use std::collections::VecDeque;

use crate::twin::Map;

/// Notifications kept while the twin is on its way; more make a gap, and the twin is asked for once more.
const MOST_KEPT: usize = 64;

/// Follows the versions of the desired section through one connection.
#[derive(Debug)]
pub(super) enum Tracker {
    /// The twin was asked for; notifications wait for it.
    Asking(VecDeque<(u64, Map)>),
    /// Everything up to this version was delivered.
    Following(u64),
}

/// What to do with a notification.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// It waits, or it is known already.
    Nothing,
    /// It is the next one.
    Deliver(u64, Map),
    /// Something is missing: the twin must be asked for.
    Ask,
}

impl Tracker {
    /// The twin has just been asked for.
    pub(super) const fn asking() -> Self {
        Self::Asking(VecDeque::new())
    }

    /// A notification came.
    pub(super) fn notified(&mut self, version: u64, patch: Map) -> Step {
        match self {
            Self::Asking(kept) => {
                // The oldest goes, so that the gap shows unless the twin covers it.
                if kept.len() == MOST_KEPT {
                    kept.pop_front();
                }
                kept.push_back((version, patch));
                Step::Nothing
            }
            Self::Following(at) if version <= *at => Step::Nothing,
            Self::Following(at) if version == *at + 1 => {
                *at = version;
                Step::Deliver(version, patch)
            }
            Self::Following(_) => {
                *self = Self::asking();
                Step::Ask
            }
        }
    }

    /// The twin came: what of the kept notifications is to be delivered after it, in order; the last step may ask
    /// again.
    pub(super) fn answered(&mut self, version: u64) -> Vec<Step> {
        let kept = match std::mem::replace(self, Self::Following(version)) {
            Self::Asking(kept) => kept,
            Self::Following(_) => VecDeque::new(),
        };
        let steps = kept.into_iter().map(|(version, patch)| self.notified(version, patch));
        steps.filter(|step| *step != Step::Nothing).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn patch(n: u64) -> Map {
        [("n".to_owned(), json!(n))].into_iter().collect()
    }

    #[test]
    fn notifications_wait_for_the_twin_and_old_ones_are_dropped() {
        let mut tracker = Tracker::asking();
        for version in [4, 5, 6, 7] {
            assert_eq!(tracker.notified(version, patch(version)), Step::Nothing);
        }
        assert_eq!(tracker.answered(5), [Step::Deliver(6, patch(6)), Step::Deliver(7, patch(7))]);
        assert_eq!(tracker.notified(7, patch(7)), Step::Nothing);
        assert_eq!(tracker.notified(8, patch(8)), Step::Deliver(8, patch(8)));
    }

    #[test]
    fn a_gap_asks_for_the_twin_once() {
        let mut tracker = Tracker::asking();
        assert_eq!(tracker.answered(1), []);
        assert_eq!(tracker.notified(3, patch(3)), Step::Ask);
        assert_eq!(tracker.notified(4, patch(4)), Step::Nothing);
        assert_eq!(tracker.answered(3), [Step::Deliver(4, patch(4))]);
    }

    #[test]
    fn too_many_to_keep_are_a_gap_and_not_a_loss_of_the_newest() {
        let newest = MOST_KEPT as u64 + 2;
        let mut tracker = Tracker::asking();
        (2..=newest).for_each(|version| assert_eq!(tracker.notified(version, patch(version)), Step::Nothing));
        assert_eq!(tracker.answered(1), [Step::Ask]);
        assert_eq!(tracker.answered(newest), []);
        assert_eq!(tracker.notified(newest + 1, patch(0)), Step::Deliver(newest + 1, patch(0)));
    }

    #[test]
    fn a_gap_among_the_kept_asks_again() {
        let mut tracker = Tracker::asking();
        tracker.notified(4, patch(4));
        assert_eq!(tracker.answered(2), [Step::Ask]);
        assert!(matches!(tracker, Tracker::Asking(_)));
    }

    proptest! {
        /// Whatever is lost, once the hub is quiet and the twin is fetched, the device holds the newest version.
        #[test]
        fn the_newest_version_is_reached_whatever_is_lost(lost in prop::collection::vec(any::<bool>(), 1..40), ask_at in 0_usize..40) {
            let (mut tracker, mut held) = (Tracker::asking(), 0);
            let newest = lost.len() as u64;
            let mut asked = true;
            for (at, lost) in lost.iter().enumerate() {
                let version = at as u64 + 1;
                if asked && at == ask_at % 40 {
                    held = version - 1;
                    asked = settle(&mut tracker, &mut held);
                }
                if !lost {
                    match tracker.notified(version, patch(version)) {
                        Step::Deliver(v, _) => { prop_assert_eq!(v, held + 1); held = v; }
                        Step::Ask => asked = true,
                        Step::Nothing => {}
                    }
                }
            }
            if asked {
                held = newest;
                prop_assert!(!settle(&mut tracker, &mut held));
                prop_assert_eq!(held, newest);
            }
        }
    }

    /// Delivers what the twin at `held` lets through; whether it must be asked for again.
    fn settle(tracker: &mut Tracker, held: &mut u64) -> bool {
        tracker.answered(*held).into_iter().any(|step| match step {
            Step::Deliver(version, _) => {
                *held = version;
                false
            }
            Step::Ask => true,
            Step::Nothing => false,
        })
    }
}
