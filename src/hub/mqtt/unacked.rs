//! Packet identifiers of messages that the device has not acknowledged.

use std::num::NonZeroU16;

/// Most of them; what is sent beyond asks for no acknowledgement, or waits.
const WINDOW: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Unacked {
    ids: Vec<NonZeroU16>,
    last: u16,
}

impl Unacked {
    /// A free identifier; `None` while too many are not acknowledged.
    pub(super) fn take(&mut self) -> Option<NonZeroU16> {
        if self.ids.len() >= WINDOW {
            return None;
        }
        loop {
            self.last = self.last.wrapping_add(1);
            if let Some(id) = NonZeroU16::new(self.last)
                && self.take_this(id)
            {
                return Some(id);
            }
        }
    }

    /// Takes this identifier, if it is free.
    pub(super) fn take_this(&mut self, id: NonZeroU16) -> bool {
        let free = !self.ids.contains(&id);
        if free {
            self.ids.push(id);
        }
        free
    }

    /// The device has it. An identifier that nobody took is no harm.
    pub(super) fn acknowledge(&mut self, id: NonZeroU16) {
        self.ids.retain(|other| *other != id);
        if self.ids.is_empty() {
            self.ids = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_never_0_and_never_taken_twice_at_a_time() {
        let mut unacked = Unacked { last: u16::MAX - 1, ..Unacked::default() };
        let mut take = || unacked.take().map(NonZeroU16::get);
        assert_eq!([take(), take(), take()], [Some(u16::MAX), Some(1), Some(2)]);
        unacked.last = 0;
        assert_eq!(unacked.take(), NonZeroU16::new(3));
        assert!(!unacked.take_this(NonZeroU16::MIN) && unacked.take_this(NonZeroU16::new(9).unwrap()));
    }

    #[test]
    fn there_is_a_most_of_them_until_one_is_acknowledged() {
        let mut unacked = Unacked::default();
        assert_eq!((0..=WINDOW).filter_map(|_| unacked.take()).count(), WINDOW);
        unacked.acknowledge(NonZeroU16::new(999).unwrap());
        assert_eq!(unacked.take(), None);
        unacked.acknowledge(NonZeroU16::new(7).unwrap());
        assert!(unacked.take().is_some());
    }
}
