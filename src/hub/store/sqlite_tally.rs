//! Counts by groups.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt::Write as _,
};

use rusqlite::{Connection, OptionalExtension as _, Result};
use serde_json::Value;

use super::{
    Span, Tally,
    sqlite_field::{Seen, Spots, is_known},
    sqlite_json, sqlite_row,
    sqlite_tag::Leaf,
    sqlite_walk::{Name, Walk},
    sqlite_way::{self, Plan, Way},
};
use crate::query::{FieldPath, Operand, Sieve, Tested as _};

/// Counts devices, as something to be done on a connection; nothing when the condition or a path is not for the store.
pub(super) fn tally(
    sieve: &Sieve,
    by: &[FieldPath],
    most: usize,
) -> impl FnOnce(&Connection) -> Result<Option<Vec<Tally>>> + Send + 'static {
    let (sieve, is_exact) = sieve.narrowed(&is_known);
    let by = by.to_vec();
    move |connection| {
        if !is_exact || !by.iter().all(is_known) {
            return Ok(None);
        }
        // All of it in one snapshot.
        let connection = connection.unchecked_transaction()?;
        let plan = sqlite_way::plan(&connection, Span::Devices, &sieve)?;
        let is_all = plan.test.conjuncts().is_empty();
        if let (true, [], Way::Tags(tags)) = (is_all, by.as_slice(), &plan.way)
            && let Some(rows) = rows(&connection, tags)?
        {
            return Ok(Some(vec![Tally { keys: Vec::new(), rows }]));
        }
        if let (true, [path], Way::All { from, to: None }) = (is_all, by.as_slice(), &plan.way)
            && from.is_empty()
            && let Some(tallies) = by_tag(&connection, path, most)?
        {
            return Ok(Some(tallies));
        }
        one_by_one(&connection, plan, &by, most).map(Some)
    }
}

/// How many devices have one of these tags; nothing if some may have two.
fn rows(connection: &Connection, tags: &[(String, Leaf<'static>)]) -> Result<Option<u64>> {
    if tags.windows(2).any(|two| two[0].0 != two[1].0) {
        return Ok(None);
    }
    let sql = "SELECT COUNT(*) FROM tag WHERE place = ?1 AND value = ?2 AND module_id = ''";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = 0;
    for (place, leaf) in tags {
        rows += statement.query_row(rusqlite::params![place, leaf], |row| sqlite_row::counter(row, 0))?;
    }
    Ok(Some(rows))
}

/// All devices by one of their tags; nothing if the index does not tell all values apart, or some devices have none.
fn by_tag(connection: &Connection, path: &FieldPath, most: usize) -> Result<Option<Vec<Tally>>> {
    let Some(place) = sqlite_way::tag(path) else { return Ok(None) };
    let sql = "SELECT value, COUNT(*), MIN(device_id) FROM tag WHERE place = ?1 AND module_id = '' GROUP BY value \
        ORDER BY 3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([place])?;
    let (mut tallies, mut total) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        if tallies.len() > most || !Leaf::read(row.get_ref(0)?).is_some_and(|leaf| leaf.is_exact()) {
            return Ok(None);
        }
        let rows = sqlite_row::counter(row, 1)?;
        total += rows;
        // As the first of them has it: numbers come as they were written.
        tallies.push(Tally { keys: vec![written(connection, row.get_ref(2)?.as_str()?, path)?], rows });
    }
    let devices = super::sqlite_reader::counts(connection)?;
    Ok((total == devices.enabled + devices.disabled).then_some(tallies))
}

/// A device's tag.
fn written(connection: &Connection, device: &str, path: &FieldPath) -> Result<Option<Value>> {
    let sql = "SELECT tags FROM record WHERE module_id = '' AND device_id = ?1";
    let tags: Option<String> = connection.prepare_cached(sql)?.query_row([device], |row| row.get(0)).optional()?;
    let found = tags.as_deref().and_then(|tags| sqlite_json::find(tags, path.segments().skip(1)));
    Ok(found.and_then(|text| serde_json::from_str(text).ok()))
}

/// Looks at every device.
fn one_by_one(connection: &Connection, plan: Plan, by: &[FieldPath], most: usize) -> Result<Vec<Tally>> {
    let spots = Spots::new(plan.test.paths().into_iter().chain(by));
    let walk = Walk { span: Span::Devices, plan, spots };
    let mut groups = Groups::default();
    walk.go(connection, Name::default(), usize::MAX, &mut |seen| {
        groups.count(seen, by);
        Ok(groups.tallies.len() <= most)
    })?;
    Ok(groups.tallies)
}

/// Groups so far, in the order of their first device.
#[derive(Default)]
struct Groups {
    tallies: Vec<Tally>,
    /// Where they are, by the text of their keys.
    places: HashMap<Box<str>, usize>,
    key: String,
}

impl Groups {
    fn count(&mut self, seen: &Seen<'_, '_>, by: &[FieldPath]) {
        self.key.clear();
        for path in by {
            seen.test(path, &mut |operand| {
                write_key(&mut self.key, operand);
                true
            });
        }
        if let Some(at) = self.places.get(self.key.as_str()) {
            self.tallies[*at].rows += 1;
            return;
        }
        if let Entry::Vacant(vacant) = self.places.entry(self.key.as_str().into()) {
            vacant.insert(self.tallies.len());
            self.tallies.push(Tally { keys: by.iter().map(|path| seen.json(path)).collect(), rows: 1 });
        }
    }
}

/// Equal values have equal texts, and others have others.
fn write_key(key: &mut String, operand: Operand<'_>) {
    // Writing to a text does not fail.
    let _written = match operand {
        Operand::Undefined => write!(key, "?"),
        Operand::Text(text) => write!(key, "\"{}:{text}", text.len()),
        other => {
            let text = other.to_json().map_or_else(String::new, |value| value.to_string());
            write!(key, "{}:{text}", text.len())
        }
    };
}
