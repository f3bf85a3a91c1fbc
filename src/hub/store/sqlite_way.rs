//! Which records can pass a sieve at all, as far as an index tells.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use super::{
    Span,
    span::beyond,
    sqlite_tag::{self, Leaf},
};
use crate::query::{FieldPath, Literal, Relation, Sieve};

/// How many rows of an index are counted, in about a millisecond, to compare it with another one.
const ENOUGH: i64 = 16 * 1024;
/// Most different texts that a beginning may stand for, so that the index is used.
const SPELLINGS: usize = 64;

/// Where to look.
#[derive(Debug, PartialEq)]
pub(super) enum Way {
    /// At all records, from the first device id on and up to before the last one.
    All { from: String, to: Option<String> },
    /// At these devices.
    Devices(BTreeSet<String>),
    /// At records with one of these at a place among their tags.
    Tags(Vec<(String, Leaf<'static>)>),
}

/// What to do with a sieve.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) way: Way,
    /// What is left to be tested on each record.
    pub(super) test: Sieve,
}

/// Chooses the way with the fewest records.
pub(super) fn plan(connection: &Connection, span: Span<'_>, sieve: &Sieve) -> Result<Plan> {
    if let Span::ModulesOf(_) = span {
        // They are few, and the other ways lead to modules of other devices too.
        return Ok(Plan { way: Way::All { from: String::new(), to: None }, test: sieve.clone() });
    }
    let tests = sieve.conjuncts();
    let mut ways = Vec::new();
    let mut range = (String::new(), None);
    for (at, test) in tests.iter().enumerate() {
        if let Sieve::Begins(path, text, true) = test
            && path.is("deviceId")
        {
            range = (text.clone(), beyond(text));
        }
        ways.extend(index(connection, test)?.map(|way| (at, way)));
    }
    let Some((at, way)) = shortest(connection, ways)? else {
        let (from, to) = range;
        return Ok(Plan { way: Way::All { from, to }, test: sieve.clone() });
    };
    let said = way.is_exact().then_some(at);
    let rest = tests.into_iter().enumerate().filter(|(at, _)| Some(*at) != said);
    Ok(Plan { test: Sieve::All(rest.map(|(_, test)| test.clone()).collect()), way })
}

impl Way {
    /// Whether it leads to no records but those that pass the test it stands for.
    fn is_exact(&self) -> bool {
        match self {
            Self::All { .. } => false,
            Self::Devices(_) => true,
            Self::Tags(tags) => tags.iter().all(|(_, leaf)| leaf.is_exact()),
        }
    }
}

/// The way to what passes one test, if there is one.
fn index(connection: &Connection, test: &Sieve) -> Result<Option<Way>> {
    if let Sieve::Begins(path, text, true) = test {
        let Some(place) = tag(path) else { return Ok(None) };
        return spellings(connection, place, text);
    }
    let mut equalities = Vec::new();
    if !gather(test, &mut equalities) {
        return Ok(None);
    }
    if equalities.iter().all(|(path, _)| path.is("deviceId")) {
        let ids = equalities.into_iter().filter_map(|(_, literal)| match literal {
            Literal::Text(id) => Some(id.clone()),
            // No id is anything but a text.
            _ => None,
        });
        return Ok(Some(Way::Devices(ids.collect())));
    }
    let tags = equalities.into_iter().map(|(path, literal)| Some((tag(path)?, own(Leaf::equal_to(literal)?))));
    Ok(tags.collect::<Option<Vec<_>>>().map(|tags| {
        let mut each: Vec<(String, Leaf<'static>)> = Vec::with_capacity(tags.len());
        for tag in tags {
            if !each.contains(&tag) {
                each.push(tag);
            }
        }
        Way::Tags(each)
    }))
}

/// Takes a test apart into equalities of which one has to hold. Whether it is nothing else.
fn gather<'s>(test: &'s Sieve, into: &mut Vec<(&'s FieldPath, &'s Literal)>) -> bool {
    match test {
        Sieve::Any(parts) => parts.iter().all(|part| gather(part, into)),
        Sieve::Compare(path, Relation::Equal, literal) => {
            into.push((path, literal));
            true
        }
        _ => false,
    }
}

/// The name of a place among the tags.
pub(super) fn tag(path: &FieldPath) -> Option<String> {
    let is_below = path.root() == "tags" && path.segments().len() > 1;
    if is_below { sqlite_tag::place(path.segments().skip(1)) } else { None }
}

fn own(leaf: Leaf<'_>) -> Leaf<'static> {
    match leaf {
        Leaf::Text(text) => Leaf::Text(text.into_owned().into()),
        Leaf::Null => Leaf::Null,
        Leaf::Bool(flag) => Leaf::Bool(flag),
        Leaf::Number(number) => Leaf::Number(number),
        Leaf::Object => Leaf::Object,
        Leaf::Array => Leaf::Array,
    }
}

/// The texts at a place that begin in one way, unless they are many.
fn spellings(connection: &Connection, place: String, text: &str) -> Result<Option<Way>> {
    let text = sqlite_tag::beginning(text);
    let end = beyond(text);
    let read = |row: &Row<'_>| Ok(Leaf::read(row.get_ref(0)?));
    let mut first =
        connection.prepare_cached("SELECT value FROM tag WHERE place = ?1 AND value >= ?2 ORDER BY value LIMIT 1")?;
    let mut next =
        connection.prepare_cached("SELECT value FROM tag WHERE place = ?1 AND value > ?2 ORDER BY value LIMIT 1")?;
    let mut found = first.query_row(params![place, text], read).optional()?.flatten();
    let mut tags = Vec::new();
    // Texts come after numbers and before everything else.
    while let Some(Leaf::Text(spelling)) = found
        && end.as_ref().is_none_or(|end| *spelling < **end)
    {
        if tags.len() == SPELLINGS {
            return Ok(None);
        }
        found = next.query_row(params![place, spelling], read).optional()?.flatten();
        tags.push((place.clone(), Leaf::Text(spelling)));
    }
    Ok(Some(Way::Tags(tags)))
}

/// The way with the fewest records; which of those with very many does not matter.
fn shortest(connection: &Connection, mut ways: Vec<(usize, Way)>) -> Result<Option<(usize, Way)>> {
    if ways.len() < 2 {
        return Ok(ways.pop());
    }
    let mut best: Option<(i64, usize, Way)> = None;
    for (at, way) in ways {
        let rows = rows(connection, &way)?;
        if best.as_ref().is_none_or(|(fewest, ..)| rows < *fewest) {
            best = Some((rows, at, way));
        }
    }
    Ok(best.map(|(_, at, way)| (at, way)))
}

/// How many records a way leads to, as far as they are counted.
fn rows(connection: &Connection, way: &Way) -> Result<i64> {
    let tags = match way {
        Way::All { .. } => return Ok(i64::MAX),
        Way::Devices(ids) => return Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX)),
        Way::Tags(tags) => tags,
    };
    let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM tag WHERE place = ?1 AND value = ?2 LIMIT ?3)";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = 0;
    for (place, leaf) in tags {
        rows += statement.query_row(params![place, leaf, ENOUGH - rows], |row| row.get::<_, i64>(0))?;
        if rows >= ENOUGH {
            break;
        }
    }
    Ok(rows)
}
