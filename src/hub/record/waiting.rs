//! The messages that wait for a device, as far as its twin tells of them.

use serde::{Deserialize, Serialize};

use super::Corrupt;

/// When each of them ends, in milliseconds since 1970: kept beside the record, so that a twin can say how many there
/// are at any time without a look at the queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting(Box<[i64]>);

impl Waiting {
    /// Reads what [`Self::text`] wrote.
    pub(crate) fn read(text: &str) -> Result<Self, Corrupt> {
        serde_json::from_str(text).map_err(Corrupt)
    }

    /// As JSON text, for the store; nothing when there is none.
    pub(crate) fn text(&self) -> Option<String> {
        let ends: Vec<String> = self.0.iter().map(i64::to_string).collect();
        (!ends.is_empty()).then(|| format!("[{}]", ends.join(",")))
    }

    /// How many wait at `now`, in milliseconds since 1970.
    pub(crate) fn at(&self, now: i64) -> u32 {
        u32::try_from(self.0.iter().filter(|end| **end > now).count()).unwrap_or(u32::MAX)
    }
}

impl FromIterator<i64> for Waiting {
    fn from_iter<I: IntoIterator<Item = i64>>(ends: I) -> Self {
        Self(ends.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_counts_until_it_ends() {
        let waiting = Waiting::from_iter([100, 50]);
        assert_eq!([49, 50, 99, 100].map(|now| waiting.at(now)), [2, 1, 1, 0]);
        assert_eq!(Waiting::read(&waiting.text().unwrap()).unwrap(), waiting);
        assert_eq!(Waiting::default().text(), None);
        assert!(Waiting::read("[1,").is_err());
    }
}
