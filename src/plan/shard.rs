//! One part of a fleet: for reconcilers that share the work.

use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use super::Plan;
use crate::twin::DeviceId;

/// The K-th of N parts of all devices, by a hash of their ids that never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    part: u64,
    of: u64,
}

/// Why a text names no part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a part is written K/N, from 1/N to N/N: `3/16`")]
pub struct ShardError;

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let (part, of) = text.split_once('/').ok_or(ShardError)?;
        let (part, of): (u64, u64) = (part.parse().map_err(|_| ShardError)?, of.parse().map_err(|_| ShardError)?);
        if (1..=of).contains(&part) { Ok(Self { part: part - 1, of }) } else { Err(ShardError) }
    }
}

impl Shard {
    /// Whether the device is in this part; each is in exactly one.
    pub fn holds(self, device: &DeviceId) -> bool {
        let hash = Sha256::new_with_prefix("shard\n").chain_update(device.as_str()).finalize();
        hash.first_chunk().is_some_and(|first| u64::from_be_bytes(*first) % self.of == self.part)
    }
}

impl Plan {
    /// Leaves the devices of other parts out of what is to be written. What was looked at stays all of the fleet, so
    /// that guards judge the whole plan.
    pub fn keep_shard(&mut self, shard: Shard) {
        for group in &mut self.groups {
            group.devices.retain(|planned| shard.holds(&planned.device));
        }
        self.groups.retain(|group| !group.devices.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_device_is_in_exactly_one_part_and_parts_are_of_a_size() {
        let shards: Vec<Shard> = (1..=16).map(|part| format!("{part}/16").parse().unwrap()).collect();
        let mut sizes = [0; 16];
        for at in 0..16_000 {
            let device = DeviceId::new(&format!("device-{at}")).unwrap();
            let of: Vec<usize> = (0..16).filter(|at| shards[*at].holds(&device)).collect();
            assert_eq!(of.len(), 1);
            sizes[of[0]] += 1;
        }
        assert!(sizes.iter().all(|size| (850..1150).contains(size)), "{sizes:?}");
    }

    #[test]
    fn a_part_stays_what_it_is() {
        let held = |text: &str| "3/16".parse::<Shard>().unwrap().holds(&DeviceId::new(text).unwrap());
        let first: Vec<String> = (0..).map(|at| format!("d{at}")).filter(|id| held(id)).take(3).collect();
        assert_eq!(first, FIRST);
    }

    /// The first devices of the third of sixteen parts.
    const FIRST: [&str; 3] = ["d23", "d58", "d66"];

    #[test]
    fn other_texts_name_no_part() {
        for text in ["", "3", "0/4", "5/4", "1/0", "a/b", "1/2/3", "-1/2"] {
            assert_eq!(text.parse::<Shard>(), Err(ShardError), "{text}");
        }
    }
}
