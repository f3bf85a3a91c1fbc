//! Bringing what was kept up to date.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, pin_mut};

use super::{
    TwinCache,
    edition::{EDITIONS, Seen},
};
use crate::{
    reconcile::{
        converge::statements,
        ports::{HubError, Page, TwinRead},
    },
    twin::{DeviceId, RowError},
};

/// Up to so many twins, or a tenth of all, are asked for by name; beyond that, asking for all of them costs less.
const MOST_NAMED: usize = 2000;
/// Up to so many that a query does not find are read one by one.
const MOST_READ: usize = 50;

impl TwinCache {
    /// Asks the hub for the edition of every twin, and reads those that are of another one. Whether that was all:
    /// otherwise too many have changed, and reading all of them is cheaper.
    ///
    /// # Errors
    /// When the hub does not answer.
    pub async fn refresh<H: TwinRead>(&mut self, hub: &H) -> Result<bool, HubError> {
        let (mut changed, total) = self.compare(hub).await?;
        if changed.len() > MOST_NAMED.max(total / 10) {
            return Ok(false);
        }
        if changed.is_empty() {
            return Ok(true);
        }
        for statement in statements(&changed) {
            let pages = hub.twins(&statement);
            pin_mut!(pages);
            while let Some(page) = pages.next().await {
                self.note_page(&page?, &mut changed)?;
            }
        }
        if changed.len() > MOST_READ {
            return Ok(false);
        }
        for id in changed.clone() {
            match hub.twin(&id).await? {
                Some(text) => self.note_page(&Page::Lines(text.0), &mut changed)?,
                // A device that is gone, and that the index still finds.
                None => _ = changed.remove(&id),
            }
        }
        Ok(changed.is_empty())
    }

    /// Forgets the twins that are not there any more, or of another edition; the devices to look at, and how many
    /// there are in all.
    async fn compare<H: TwinRead>(&mut self, hub: &H) -> Result<(BTreeSet<DeviceId>, usize), HubError> {
        let (mut same, mut changed) = (BTreeSet::new(), BTreeSet::new());
        let pages = hub.twins(EDITIONS);
        pin_mut!(pages);
        while let Some(page) = pages.next().await {
            let (Page::Array(text) | Page::Lines(text)) = page?;
            let rows: Vec<Seen<'_>> = serde_json::from_slice(&text).map_err(|error| HubError::Answer(error.into()))?;
            for seen in rows {
                match self.twins.get_key_value(&*seen.device_id) {
                    Some((id, kept)) if kept.edition.is(&seen) => same.insert(id.clone()),
                    _ => changed.insert(DeviceId::new(&seen.device_id).map_err(RowError::from).map_err(unreadable)?),
                };
            }
        }
        let before = self.twins.len();
        self.twins.retain(|id, _| same.contains(id));
        self.changed |= self.twins.len() != before;
        let total = same.len() + changed.len();
        Ok((changed, total))
    }

    fn note_page(&mut self, page: &Page, missing: &mut BTreeSet<DeviceId>) -> Result<(), HubError> {
        let mut sound = Ok(());
        let each = page.for_each(|row| match row {
            Ok(row) => {
                self.note(&row);
                // What there is no room for stays missing.
                if self.twins.contains_key(&*row.device_id) {
                    missing.remove(&*row.device_id);
                }
            }
            Err(error) => sound = Err(error),
        });
        each.and(sound).map_err(unreadable)
    }
}

fn unreadable(error: RowError) -> HubError {
    HubError::Answer(Box::new(error))
}
