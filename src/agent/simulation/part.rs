//! What of a profile one device plays.

use super::profile::{Profile, Share};
use crate::agent::resource::simulated::seed;

/// What one device plays: the same for the same id and seed, in every process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "parts that do not depend on each other")]
pub(super) struct Part {
    /// It never connects.
    pub(super) offline: bool,
    /// It comes and goes.
    pub(super) flaps: bool,
    /// It takes longer.
    pub(super) slow: bool,
    /// It rejects.
    pub(super) rejects: bool,
    /// It tries and fails.
    pub(super) fails: bool,
}

impl Part {
    pub(super) fn of(profile: &Profile, id: &str) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed(id) ^ profile.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        // Each is drawn for whether or not the profile has it: a change of one leaves the others where they are.
        let mut drawn = |share: Option<Share>| dice.f64() < share.unwrap_or_default().0;
        Self {
            offline: drawn(Some(profile.offline)),
            flaps: drawn(profile.flapping.as_ref().map(|flapping| flapping.share)),
            slow: drawn(profile.slow.as_ref().map(|slow| slow.share)),
            rejects: drawn(profile.reject.as_ref().map(|reject| reject.share)),
            fails: drawn(profile.fail.as_ref().map(|fail| fail.share)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::simulation::profile::Faults;

    #[test]
    fn parts_are_given_to_the_same_devices_again_and_in_the_share_asked_for() {
        let many = || Profile { offline: Share(0.1), ..Profile::default() };
        let fails = |share| Profile { fail: Some(Faults { share: Share(share), components: vec![] }), ..many() };
        let parts = |profile: &Profile| (0..10_000).map(|at| Part::of(profile, &format!("d{at}"))).collect::<Vec<_>>();
        let (none, some) = (parts(&many()), parts(&fails(0.3)));
        assert_eq!(some, parts(&fails(0.3)));
        let count = |parts: &[Part], has: fn(&Part) -> bool| parts.iter().filter(|part| has(part)).count();
        assert!((900..1100).contains(&count(&none, |part| part.offline)));
        assert!((2800..3200).contains(&count(&some, |part| part.fails)));
        assert!(none.iter().zip(&some).all(|(none, some)| none.offline == some.offline));
        assert_ne!(parts(&Profile { seed: 1, ..many() }), none);
    }
}
