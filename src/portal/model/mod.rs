//! All devices in memory, as they stood when all twins were last read: what tables and counts need, and no twin.
//!
//! A million devices take about a hundred megabytes, so that a page of any of them costs a scan and no question to the
//! hub. `survey` fills it, `row` is what is kept of a device, `counts` counts them, `detail` keeps what has drifted of
//! the worst, `needs` is what a person has to look at, `history` how the numbers moved.

mod counts;
mod detail;
mod history;
mod names;
mod needs;
mod row;
mod survey;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::Timestamp;

pub(super) use counts::{ByStand, Counts};
pub(super) use detail::{Detail, shown};
pub(super) use history::{History, Point};
pub(super) use names::{NONE, Names};
pub(super) use needs::Need;
pub(super) use row::{Filter, Row, stands, word};
pub(super) use survey::survey;

use super::repository::Declared;
use crate::{plan::rollout::RolloutState, twin::PropertyPath};

/// The words that devices share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) revisions: Names,
    /// `rollout / wave`.
    pub(super) waves: Names,
    pub(super) components: Names,
    /// Tags and their values.
    pub(super) facets: Vec<(PropertyPath, Names)>,
}

/// How all devices stood at one time.
pub(super) struct Model {
    /// When the twins were read.
    pub(super) taken: Timestamp,
    /// How long that took.
    pub(super) took: Duration,
    pub(super) declared: Declared,
    /// In order of id.
    pub(super) rows: Vec<Row>,
    pub(super) shared: Arc<Shared>,
    /// The counts of all.
    pub(super) whole: Counts,
    pub(super) rollouts: Vec<RolloutState>,
    /// What has left what git says, of the worst devices.
    pub(super) details: HashMap<Box<str>, Vec<Detail>>,
    pub(super) needs: Vec<Need>,
}

impl Model {
    /// The devices of a filter that come after an id, so many at most, and whether there are more.
    pub(super) fn page(&self, filter: &Filter, after: &str, most: usize) -> (Vec<&Row>, bool) {
        let start = self.rows.partition_point(|row| *row.id <= *after);
        let rows = self.rows.get(start..).unwrap_or_default().iter().filter(|row| filter.takes(row));
        let mut found: Vec<&Row> = rows.take(most + 1).collect();
        let more = found.len() > most;
        found.truncate(most);
        (found, more)
    }

    /// One device.
    pub(super) fn row(&self, id: &str) -> Option<&Row> {
        self.rows.binary_search_by(|row| (*row.id).cmp(id)).ok().and_then(|at| self.rows.get(at))
    }

    /// Counts the devices of a filter.
    pub(super) fn counts(&self, filter: &Filter) -> Counts {
        if *filter == Filter::default() { self.whole.clone() } else { Counts::of(&self.rows, filter) }
    }

    /// The commit that the twins are held against.
    pub(super) fn revision(&self) -> &str {
        self.declared.planner.revision()
    }
}
