//! The stretch of devices in which some are done and some are not.

use std::collections::BTreeMap;

use crate::hub::ports::LinkId;

/// Where a run stands in the order of ids: everything up to `behind` is done, nothing beyond `ahead` has begun.
#[derive(Debug, Default)]
pub(super) struct Window {
    behind: Option<LinkId>,
    ahead: Option<LinkId>,
    /// Those between, and whether each is done.
    between: BTreeMap<LinkId, bool>,
    open: usize,
}

impl Window {
    /// Goes on where another run has stopped.
    pub(super) fn from(behind: Option<LinkId>) -> Self {
        Self { ahead: behind.clone(), behind, ..Self::default() }
    }

    pub(super) const fn behind(&self) -> Option<&LinkId> {
        self.behind.as_ref()
    }

    pub(super) const fn ahead(&self) -> Option<&LinkId> {
        self.ahead.as_ref()
    }

    /// How many it remembers.
    pub(super) fn len(&self) -> usize {
        self.between.len()
    }

    /// How many are not done.
    pub(super) const fn open(&self) -> usize {
        self.open
    }

    /// Some more are to be done, and nobody else is up to `ahead`.
    pub(super) fn claim<'l>(&mut self, links: impl IntoIterator<Item = &'l LinkId>, ahead: Option<LinkId>) {
        for link in links {
            self.between.insert(link.clone(), false);
            self.open += 1;
        }
        if ahead.is_some() {
            self.ahead = ahead;
        }
        self.advance();
    }

    /// One of them is done.
    pub(super) fn done(&mut self, link: &LinkId) {
        if let Some(done @ false) = self.between.get_mut(link) {
            *done = true;
            self.open -= 1;
        }
        self.advance();
    }

    fn advance(&mut self) {
        while let Some(first) = self.between.first_entry()
            && *first.get()
        {
            self.behind = Some(first.remove_entry().0);
        }
        if self.between.is_empty() {
            self.behind.clone_from(&self.ahead);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::twin::DeviceId;

    fn link(number: usize) -> LinkId {
        LinkId { device: DeviceId::new(&format!("d{number:04}")).unwrap(), module: None }
    }

    proptest! {
        #[test]
        fn nobody_behind_is_open_and_nobody_ahead_is_done(
            pages in prop::collection::vec(0_usize..4, 1..8),
            order in prop::collection::vec(any::<prop::sample::Index>(), 40),
        ) {
            let mut window = Window::default();
            let (mut open, mut next) = (Vec::new(), 0);
            let mut picks = order.into_iter();
            for size in pages {
                let links: Vec<LinkId> = (next..next + size).map(link).collect();
                next += size + 1;
                window.claim(&links, Some(link(next - 1)));
                open.extend(links);
                if let Some(pick) = picks.next() && !open.is_empty() {
                    window.done(&open.remove(pick.index(open.len())));
                }
                prop_assert_eq!(window.open(), open.len());
                prop_assert!(open.iter().all(|link| window.behind().is_none_or(|behind| behind < link)));
            }
            for link in open {
                window.done(&link);
            }
            prop_assert_eq!(window.behind(), window.ahead());
            prop_assert_eq!((window.open(), window.len(), window.ahead()), (0, 0, Some(&link(next - 1))));
        }
    }
}
