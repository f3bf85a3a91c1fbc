//! Aggregates: documents stream in, groups come out.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::path::FieldPath;
use super::statement::{Fold, Item, Query};
use super::value::{Fields, Operand, number};

/// Collects the groups of a query with aggregates or `GROUP BY` (protocol reference 6.3).
///
/// Memory is one fixed-size record and one key for each distinct group, however many documents there are.
#[derive(Debug)]
pub struct Aggregator<'q> {
    query: &'q Query,
    /// Groups by the JSON text of their keys.
    groups: HashMap<Box<str>, Group>,
}

#[derive(Debug)]
struct Group {
    /// When it was first seen, which is the order of the answer.
    order: usize,
    /// The values of the grouped paths, as they were first seen.
    keys: Vec<Option<Value>>,
    /// One for each column; those of plain paths stay unused.
    folds: Vec<Running>,
}

/// An aggregate so far.
#[derive(Debug, Default, Clone)]
struct Running {
    rows: u64,
    numbers: u64,
    sum: f64,
    number_range: Option<(f64, f64)>,
    text_range: Option<(Box<str>, Box<str>)>,
}

impl<'q> Aggregator<'q> {
    pub(super) fn new(query: &'q Query) -> Self {
        let mut aggregator = Self { query, groups: HashMap::new() };
        if query.group_by.is_empty() {
            // Over no documents at all there is still one row, with a count of 0.
            aggregator.groups.insert(Box::from(""), aggregator.fresh(Vec::new()));
        }
        aggregator
    }

    fn fresh(&self, keys: Vec<Option<Value>>) -> Group {
        Group { order: self.groups.len(), keys, folds: vec![Running::default(); self.query.columns.len()] }
    }

    /// How many groups there are so far; a caller may stop at too many.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether there is no group yet.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Takes one document into its group. The caller has checked [`Query::matches`].
    pub fn add(&mut self, fields: &impl Fields) {
        self.add_counted(fields, 1);
    }

    /// Takes `rows` documents into their group that have the same values at all grouped paths. Good for counts only,
    /// see [`Query::counted_by`].
    pub fn add_counted(&mut self, fields: &impl Fields, rows: u64) {
        let key = self.key(fields);
        if !self.groups.contains_key(key.as_str()) {
            let keys = self.query.group_by.iter().map(|path| fields.json(path)).collect();
            let group = self.fresh(keys);
            self.groups.insert(key.clone().into_boxed_str(), group);
        }
        let Some(group) = self.groups.get_mut(key.as_str()) else { return };
        for (column, running) in self.query.columns.iter().zip(&mut group.folds) {
            match &column.item {
                Item::Aggregate(Fold::Count, _) => running.rows += rows,
                Item::Aggregate(_, Some(path)) => running.add(fields.field(path)),
                Item::Aggregate(_, None) | Item::Path(_) => {}
            }
        }
    }

    /// The grouped values as one text; equal values give equal texts, numbers compared as numbers.
    fn key(&self, fields: &impl Fields) -> String {
        let mut key = String::new();
        for path in &self.query.group_by {
            match fields.field(path).to_json() {
                Some(value) => key.push_str(&value.to_string()),
                None => key.push('?'),
            }
            key.push('\n');
        }
        key
    }

    /// The rows of the answer, groups in the order of their first document, at most [`Query::top`] of them.
    pub fn finish(self) -> Vec<Map<String, Value>> {
        let query = self.query;
        let mut groups: Vec<Group> = self.groups.into_values().collect();
        groups.sort_unstable_by_key(|group| group.order);
        let top = query.top.and_then(|top| usize::try_from(top).ok()).unwrap_or(usize::MAX);
        groups.into_iter().take(top).map(|group| row(query, &group)).collect()
    }
}

fn row(query: &Query, group: &Group) -> Map<String, Value> {
    let mut row = Map::new();
    for (column, running) in query.columns.iter().zip(&group.folds) {
        let value = match &column.item {
            Item::Path(path) => grouped(query, group, path),
            Item::Aggregate(fold, _) => running.finish(*fold),
        };
        if let Some(value) = value {
            row.insert(column.key(), value);
        }
    }
    row
}

fn grouped(query: &Query, group: &Group, path: &FieldPath) -> Option<Value> {
    let at = query.group_by.iter().position(|grouped| grouped == path)?;
    group.keys.get(at)?.clone()
}

impl Running {
    /// Numbers and texts count; all else is left out.
    fn add(&mut self, operand: Operand<'_>) {
        match operand {
            Operand::Number(value) => {
                self.numbers += 1;
                self.sum += value;
                let (least, greatest) = self.number_range.unwrap_or((value, value));
                self.number_range = Some((least.min(value), greatest.max(value)));
            }
            Operand::Text(text) => self.add_text(text),
            _ => {}
        }
    }

    fn add_text(&mut self, text: &str) {
        let Some((least, greatest)) = &mut self.text_range else {
            self.text_range = Some((text.into(), text.into()));
            return;
        };
        if text < &**least {
            *least = text.into();
        }
        if text > &**greatest {
            *greatest = text.into();
        }
    }

    /// The result; numbers win over texts, and over nothing only `COUNT()` has one.
    fn finish(&self, fold: Fold) -> Option<Value> {
        let bound = |number_of: fn(&(f64, f64)) -> f64, text_of: fn(&(Box<str>, Box<str>)) -> &str| {
            let as_number = self.number_range.as_ref().map(|range| number(number_of(range)));
            as_number.or_else(|| self.text_range.as_ref().map(|range| Value::from(text_of(range))))
        };
        match fold {
            Fold::Count => Some(Value::from(self.rows)),
            Fold::Sum => (self.numbers > 0 && self.sum.is_finite()).then(|| number(self.sum)),
            #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 documents")]
            Fold::Average => (self.numbers > 0 && self.sum.is_finite()).then(|| number(self.sum / self.numbers as f64)),
            Fold::Least => bound(|range| range.0, |range| &range.0),
            Fold::Greatest => bound(|range| range.1, |range| &range.1),
        }
    }
}
