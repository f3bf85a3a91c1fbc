//! Whom a target means, some at a time.

use super::{super::Core, fields::RecordFields, sieve};
use crate::{
    hub::{
        failure::Failure,
        ports::{LinkId, Links},
        store::{Scanned, Span, Store},
    },
    query::{Source, Target},
};

/// Records that are looked at each time.
const CHUNK: usize = 512;

/// Some of those whom a target means.
#[derive(Debug)]
pub(in crate::hub::core) struct Selection {
    pub(in crate::hub::core) links: Vec<LinkId>,
    /// Up to where they were looked for; nothing if there was nobody to look at.
    pub(in crate::hub::core) place: Option<LinkId>,
    /// Whether there are no more.
    pub(in crate::hub::core) is_last: bool,
}

impl<S: Store, L: Links> Core<S, L> {
    /// Looks for those whom `target` means, in the order of their ids, from the first one after `after`.
    pub(in crate::hub::core) async fn select(
        &self,
        target: &Target,
        after: Option<&LinkId>,
    ) -> Result<Selection, Failure> {
        let span = if target.source() == Source::Modules { Span::Modules } else { Span::Devices };
        let sieve = sieve(target.condition());
        let Scanned { records, next } = self.store.scan(span, after, &sieve, CHUNK).await?;
        let is_last = next.is_none();
        let place = next.or_else(|| records.last().map(|record| record.link.clone()));
        let meant = records.into_iter().filter(|record| target.matches(&RecordFields::new(record, &self.presence)));
        Ok(Selection { links: meant.map(|record| record.link).collect(), place, is_last })
    }
}
