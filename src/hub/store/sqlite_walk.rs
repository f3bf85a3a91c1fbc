//! Going through the records that can pass a sieve, in the order of their names, and testing each.

use std::collections::BTreeSet;

use rusqlite::{Connection, Result, Row, params, params_from_iter, types::Value};

use super::{
    Span,
    sqlite_field::{Seen, Spots},
    sqlite_tag::Leaf,
    sqlite_way::{Plan, Way},
};
use crate::hub::ports::LinkId;

/// Names that an index is asked for at a time.
const CHUNK: u16 = 512;

/// A record's name as the tables have it: devices have an empty module.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) device: String,
    pub(super) module: String,
}

impl Name {
    /// Where a scan begins.
    pub(super) fn after(link: Option<&LinkId>) -> Self {
        let module = link.and_then(|link| link.module.as_deref()).unwrap_or_default().to_owned();
        Self { device: link.map_or_else(String::new, |link| link.device.to_string()), module }
    }

    /// Of a row that begins with it.
    pub(super) fn read(row: &Row<'_>) -> Result<Self> {
        Ok(Self { device: row.get(0)?, module: row.get(1)? })
    }
}

/// Which records, how they are found and tested, and what is read of them.
pub(super) struct Walk<'w> {
    pub(super) span: Span<'w>,
    pub(super) plan: Plan,
    pub(super) spots: Spots,
}

/// What is done with a record; says whether to go on.
pub(super) type Visit<'v> = dyn FnMut(&Seen<'_, '_>) -> Result<bool> + 'v;

impl Walk<'_> {
    /// Shows the records after `after` that pass to `visit`, and looks at no more than `most`. Up to where was looked;
    /// nothing at the end.
    pub(super) fn go(
        &self,
        connection: &Connection,
        after: Name,
        most: usize,
        visit: &mut Visit<'_>,
    ) -> Result<Option<Name>> {
        match &self.plan.way {
            Way::All { from, to } => self.through_all(connection, &after, (from, to.as_deref()), most, visit),
            Way::Devices(_) | Way::Tags(_) => self.by_name(connection, after, most, visit),
        }
    }

    fn passes(&self, seen: &Seen<'_, '_>) -> bool {
        self.plan.test.passes(seen)
    }

    fn through_all(
        &self,
        connection: &Connection,
        after: &Name,
        (from, to): (&str, Option<&str>),
        most: usize,
        visit: &mut Visit<'_>,
    ) -> Result<Option<Name>> {
        let (mut condition, mut values) = place(self.span, after);
        if from > after.device.as_str() {
            condition.push_str(" AND r.device_id >= ?");
            values.push(from.to_owned().into());
        }
        if let Some(to) = to {
            condition.push_str(" AND r.device_id < ?");
            values.push(to.to_owned().into());
        }
        let sql = format!(
            "SELECT {} FROM record r WHERE {condition} ORDER BY r.device_id, r.module_id",
            self.spots.columns()
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut looked = 0;
        while let Some(row) = rows.next()? {
            looked += 1;
            let seen = Seen { row, spots: &self.spots };
            if (self.passes(&seen) && !visit(&seen)?) || looked >= most {
                return Name::read(row).map(Some);
            }
        }
        Ok(None)
    }

    fn by_name(
        &self,
        connection: &Connection,
        mut after: Name,
        most: usize,
        visit: &mut Visit<'_>,
    ) -> Result<Option<Name>> {
        let columns = self.spots.columns();
        let sql = format!("SELECT {columns} FROM record r WHERE r.device_id = ?1 AND r.module_id = ?2");
        let mut statement = connection.prepare_cached(&sql)?;
        let mut looked = 0;
        loop {
            let names = self.names(connection, &after)?;
            if names.is_empty() {
                return Ok(None);
            }
            for name in names {
                let mut rows = statement.query([&name.device, &name.module])?;
                let Some(row) = rows.next()? else { continue };
                looked += 1;
                let seen = Seen { row, spots: &self.spots };
                if (self.passes(&seen) && !visit(&seen)?) || looked >= most {
                    return Ok(Some(name));
                }
                after = name;
            }
        }
    }

    /// The next names that an index leads to, some at a time.
    fn names(&self, connection: &Connection, after: &Name) -> Result<BTreeSet<Name>> {
        let mut names = match &self.plan.way {
            Way::All { .. } => BTreeSet::new(),
            Way::Devices(ids) => self.named(connection, ids, after)?,
            Way::Tags(tags) => self.tagged(connection, tags, after)?,
        };
        if let Some(end) = names.iter().nth(usize::from(CHUNK)).cloned() {
            names.split_off(&end);
        }
        Ok(names)
    }

    fn named(&self, connection: &Connection, ids: &BTreeSet<String>, after: &Name) -> Result<BTreeSet<Name>> {
        let modules = if self.span == Span::Devices { "module_id = ''" } else { "module_id > ''" };
        let sql = format!(
            "SELECT device_id, module_id FROM record \
             WHERE device_id = ?1 AND {modules} AND (device_id, module_id) > (?2, ?3) ORDER BY module_id LIMIT ?4"
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let mut names = BTreeSet::new();
        for id in ids.range(after.device.clone()..) {
            for name in statement.query_map(params![id, after.device, after.module, CHUNK], Name::read)? {
                names.insert(name?);
            }
            if names.len() >= usize::from(CHUNK) {
                break;
            }
        }
        Ok(names)
    }

    fn tagged(
        &self,
        connection: &Connection,
        tags: &[(String, Leaf<'static>)],
        after: &Name,
    ) -> Result<BTreeSet<Name>> {
        let modules = if self.span == Span::Devices { "module_id = ''" } else { "module_id > ''" };
        let sql = format!(
            "SELECT device_id, module_id FROM tag WHERE place = ?1 AND value = ?2 \
             AND (device_id, module_id) > (?3, ?4) AND {modules} ORDER BY device_id, module_id LIMIT ?5"
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let mut names = BTreeSet::new();
        for (place, leaf) in tags {
            for name in statement.query_map(params![place, leaf, after.device, after.module, CHUNK], Name::read)? {
                names.insert(name?);
            }
        }
        Ok(names)
    }
}

/// The records of a span from the first one after `after`, as a condition and its values.
pub(super) fn place(span: Span<'_>, after: &Name) -> (String, Vec<Value>) {
    let Name { device, module } = after.clone();
    let (condition, values) = match span {
        Span::Devices => ("r.module_id = '' AND r.device_id > ?", vec![device]),
        Span::Modules => ("r.module_id > '' AND (r.device_id, r.module_id) > (?, ?)", vec![device, module]),
        // The literal is what the index of modules is declared with.
        Span::ModulesOf(of) => {
            ("r.device_id = ? AND r.module_id > '' AND r.module_id > ?", vec![of.to_string(), module])
        }
    };
    (condition.to_owned(), values.into_iter().map(Value::Text).collect())
}
