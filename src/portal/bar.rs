//! One picture of counts: a bar whose parts are as wide as their numbers, drawn without styles in the page.

use super::model::{ByStand, stands, word};
use crate::report::grouped;

/// How wide a bar is, in its own units.
const WIDTH: u64 = 1000;

/// A part of a bar, or a line of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slice {
    /// The verdict.
    pub(super) word: &'static str,
    pub(super) count: String,
    /// Where it begins, and how wide it is.
    pub(super) at: u64,
    pub(super) width: u64,
}

/// A bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bar {
    /// In words, for those who do not see it.
    pub(super) label: String,
    pub(super) slices: Vec<Slice>,
}

impl Bar {
    /// Of devices by how they stand, worst first.
    pub(super) fn of(stands_: &ByStand) -> Self {
        let parts = stands().filter_map(|stand| Some((word(stand), *stands_.get(&stand)?)));
        Self::new(&parts.collect::<Vec<_>>())
    }

    /// Of words and counts. Whatever is there can be seen, if only as a line.
    pub(super) fn new(parts: &[(&'static str, u64)]) -> Self {
        let parts: Vec<_> = parts.iter().filter(|(_, count)| *count > 0).collect();
        let all = parts.iter().map(|(_, count)| count).sum::<u64>().max(1);
        let mut at = 0;
        let mut slices = Vec::with_capacity(parts.len());
        for (word, count) in parts {
            let width = (u128::from(*count) * u128::from(WIDTH) / u128::from(all)).max(4);
            let width = u64::try_from(width).unwrap_or(WIDTH);
            slices.push(Slice { word, count: grouped(*count), at, width });
            at += width;
        }
        let told: Vec<String> = slices.iter().map(|slice| format!("{} {}", slice.count, slice.word)).collect();
        Self { label: told.join(", "), slices }
    }

    /// The box that all parts lie in.
    pub(super) fn view(&self) -> String {
        let width = self.slices.last().map_or(WIDTH, |slice| slice.at + slice.width);
        format!("0 0 {width} 10")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_few_are_seen_beside_the_many() {
        let bar = Bar::new(&[("failed", 1), ("pending", 0), ("compliant", 999_999)]);
        assert_eq!(bar.label, "1 failed, 999,999 compliant");
        assert!(bar.slices.iter().all(|slice| slice.width >= 4));
        assert_eq!(Bar::new(&[]).view(), "0 0 1000 10");
    }
}
