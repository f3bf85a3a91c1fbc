//! From a query to a page.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::{
    super::Core,
    fields::RecordFields,
    page::{Page, Rows},
    sieve,
    token::Place,
};
use crate::{
    hub::{
        failure::Failure,
        ports::Links,
        store::{Scanned, Span, Store, Tally},
    },
    query::{Aggregator, FieldPath, Fields, Operand, Query, Sieve, Source},
};

/// Records that are read at a time when a condition leaves out some of them.
const CHUNK: usize = 512;
/// Records that are read at a time at most without a condition, and at least.
const MOST: usize = 128;
const SMALLEST: usize = 16;
/// With more than this, in bytes, a page is full, however few rows it has: a thousand big twins are hundreds of MB.
pub(super) const PAGE: usize = 4 * 1024 * 1024;
/// How long a page may take; what there is after that is a page, even if it is empty.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Most groups of an aggregate.
const GROUPS: usize = 10_000;

/// A query under way.
struct Scan<'q> {
    query: &'q Query,
    span: Span<'static>,
    sieve: Sieve,
    rows: Rows,
    /// Where the next page begins if this one ends now.
    place: Place,
    /// Most rows of this page.
    size: u64,
}

/// What came of some records.
enum Progress {
    /// The page is full, and there is another row.
    Full,
    /// `TOP` is reached, or there is nothing more.
    Over,
    /// There may be more.
    On,
}

impl<S: Store, L: Links> Core<S, L> {
    /// One page of at most `size` rows.
    pub(crate) async fn query(&self, text: &str, size: u64, token: Option<&str>) -> Result<Page, Failure> {
        let query = Query::parse(text).map_err(|error| Failure::invalid(format!("BadRequest: {error}")))?;
        let Some(span) = span(&query) else {
            return self.parts(&query, text, size, token).await;
        };
        let place = token.map_or_else(|| Ok(Place::default()), |token| Place::parse(token, text))?;
        if let Some(aggregator) = query.aggregator() {
            let groups = self.groups(&query, span, aggregator).await?;
            return Ok(groups_page(groups, &query, text, &place, size));
        }
        let sieve = sieve(query.condition());
        let mut page = Scan { query: &query, span, sieve, rows: Rows::new(), place, size };
        let more = self.fill(&mut page).await?;
        Ok(page.rows.finish(&query, text, more.then_some(&page.place)))
    }

    /// Fills a page. Says whether there may be another one.
    async fn fill(&self, scan: &mut Scan<'_>) -> Result<bool, Failure> {
        let end = Instant::now() + PATIENCE;
        let mut is_first = true;
        loop {
            let wanted = usize::try_from(scan.size.saturating_sub(scan.rows.count)).unwrap_or(CHUNK);
            // The store knows most conditions as well as we do, so that what it finds at first is the page.
            let most = if scan.query.condition().is_some() { CHUNK } else { MOST };
            let is_page = is_first || most == MOST;
            let limit = if is_page { wanted.saturating_add(1).clamp(SMALLEST, most) } else { CHUNK };
            is_first = false;
            let scanned = self.store.scan(scan.span, scan.place.after.as_ref(), &scan.sieve, limit).await?;
            match self.take(scan, scanned)? {
                Progress::Full => return Ok(true),
                Progress::Over => return Ok(false),
                Progress::On if Instant::now() > end => return Ok(true),
                Progress::On => {}
            }
        }
    }

    /// Looks at some records.
    fn take(&self, scan: &mut Scan<'_>, Scanned { records, next }: Scanned) -> Result<Progress, Failure> {
        for record in &records {
            if scan.query.top().is_some_and(|top| scan.place.rows >= top) {
                return Ok(Progress::Over);
            }
            let fields = RecordFields::new(record, &self.presence);
            if scan.query.matches(&fields) {
                if scan.rows.count == scan.size || scan.rows.bytes() > PAGE {
                    return Ok(Progress::Full);
                }
                scan.rows.push(scan.query, &fields)?;
                scan.place.rows += 1;
            }
            scan.place.after = Some(record.link.clone());
        }
        Ok(next.map_or(Progress::Over, |next| {
            scan.place.after = Some(next);
            Progress::On
        }))
    }

    /// All groups; they need all records.
    async fn groups(
        &self,
        query: &Query,
        span: Span<'static>,
        mut aggregator: Aggregator<'_>,
    ) -> Result<Vec<Map<String, Value>>, Failure> {
        if span == Span::Devices && query.condition().is_none() && query.paths().next().is_none() {
            // `SELECT COUNT() FROM devices`: the store knows without looking.
            let counts = self.store.counts().await?;
            aggregator.add_counted(&Value::Null, counts.enabled + counts.disabled);
            return Ok(aggregator.finish());
        }
        let sieve = sieve(query.condition());
        if let Some(by) = query.counted_by().filter(|_| span == Span::Devices)
            && let Some(tallies) = self.store.tally(&sieve, by, GROUPS).await?
        {
            for Tally { keys, rows } in &tallies {
                aggregator.add_counted(&GroupFields::new(by, keys), *rows);
            }
            return if aggregator.len() > GROUPS { Err(too_many()) } else { Ok(aggregator.finish()) };
        }
        let mut after = None;
        loop {
            let scanned = self.store.scan(span, after.as_ref(), &sieve, CHUNK).await?;
            for record in &scanned.records {
                let fields = RecordFields::new(record, &self.presence);
                if query.matches(&fields) {
                    aggregator.add(&fields);
                }
            }
            if aggregator.len() > GROUPS {
                return Err(too_many());
            }
            after = scanned.next;
            if after.is_none() {
                return Ok(aggregator.finish());
            }
        }
    }
}

fn too_many() -> Failure {
    Failure::invalid(format!("the query makes more than {GROUPS} groups; narrow it down"))
}

/// What all records of a group have in common.
pub(super) struct GroupFields<'a> {
    by: &'a [FieldPath],
    keys: &'a [Option<Value>],
}

impl<'a> GroupFields<'a> {
    pub(super) const fn new(by: &'a [FieldPath], keys: &'a [Option<Value>]) -> Self {
        Self { by, keys }
    }
}

impl Fields for GroupFields<'_> {
    fn field(&self, path: &FieldPath) -> Operand<'_> {
        let at = self.by.iter().position(|by| by == path);
        at.and_then(|at| self.keys.get(at)?.as_ref()).map_or(Operand::Undefined, Operand::from)
    }

    fn json(&self, path: &FieldPath) -> Option<Value> {
        self.keys.get(self.by.iter().position(|by| by == path)?)?.clone()
    }
}

/// The records that a query goes through; nothing for one that goes through no records.
fn span(query: &Query) -> Option<Span<'static>> {
    match query.source() {
        Source::Devices => Some(Span::Devices),
        Source::Modules => Some(Span::Modules),
        Source::Jobs => None,
    }
}

/// A later page makes the groups again and leaves out those that went before.
fn groups_page(groups: Vec<Map<String, Value>>, query: &Query, text: &str, place: &Place, size: u64) -> Page {
    let total = groups.len() as u64;
    let bounded = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let mut rows = Rows::new();
    groups.into_iter().skip(bounded(place.rows)).take(bounded(size)).for_each(|row| rows.push_columns(row));
    let next = Place { rows: place.rows.saturating_add(rows.count), after: None };
    let more = next.rows < total;
    rows.finish(query, text, more.then_some(&next))
}
