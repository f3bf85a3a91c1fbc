//! Packet identifiers of messages that the device has not acknowledged.

/// Most of them; what is sent beyond asks for no acknowledgement. Nothing is ever sent twice, so that they only tell
/// whether the device keeps up.
const WINDOW: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Unacked {
    ids: Vec<u16>,
    last: u16,
}

impl Unacked {
    /// A free identifier; `None` while too many are not acknowledged.
    pub(super) fn take(&mut self) -> Option<u16> {
        if self.ids.len() >= WINDOW {
            return None;
        }
        loop {
            self.last = self.last.checked_add(1).unwrap_or(1);
            if !self.ids.contains(&self.last) {
                self.ids.push(self.last);
                return Some(self.last);
            }
        }
    }

    /// The device has it. An identifier that nobody took is no harm.
    pub(super) fn acknowledge(&mut self, id: u16) {
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
        assert_eq!([unacked.take(), unacked.take(), unacked.take()], [Some(u16::MAX), Some(1), Some(2)]);
        unacked.last = 0;
        assert_eq!(unacked.take(), Some(3));
    }

    #[test]
    fn there_is_a_most_of_them_until_one_is_acknowledged() {
        let mut unacked = Unacked::default();
        assert_eq!((0..=WINDOW).filter_map(|_| unacked.take()).count(), WINDOW);
        unacked.acknowledge(999);
        assert_eq!(unacked.take(), None);
        unacked.acknowledge(7);
        assert!(unacked.take().is_some());
    }
}
