//! Whole statements: what is selected, from where, and which rows.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde_json::{Map, Value};

use super::condition::Condition;
use super::error::{Doubt, QueryError};
use super::parse;
use super::path::FieldPath;
use super::print::write_joined;
use super::rows::Aggregator;
use super::value::Fields;

/// What a query runs over (protocol reference 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Source {
    /// `devices`: the twins of devices.
    #[default]
    Devices,
    /// `devices.modules`: the twins of modules.
    Modules,
    /// `devices.jobs`: what each device did in each job.
    Jobs,
}

impl Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Devices => "devices",
            Self::Modules => "devices.modules",
            Self::Jobs => "devices.jobs",
        })
    }
}

/// What the rows of an answer are: the `x-ms-item-type` header (protocol reference 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemType {
    /// Whole twins.
    Twin,
    /// Rows of selected columns.
    Raw,
    /// A device's part in a job.
    DeviceJob,
}

impl Display for ItemType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Twin => "Twin",
            Self::Raw => "Raw",
            Self::DeviceJob => "DeviceJob",
        })
    }
}

/// How an aggregate folds its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    Count,
    Average,
    Sum,
    Least,
    Greatest,
}

impl Fold {
    pub(super) const NAMES: [(&'static str, Self); 5] = [
        ("COUNT", Self::Count),
        ("AVG", Self::Average),
        ("SUM", Self::Sum),
        ("MIN", Self::Least),
        ("MAX", Self::Greatest),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, fold)| *fold == self).map_or("", |(name, _)| name)
    }
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Path(FieldPath),
    /// `COUNT()` has no path, the others have one.
    Aggregate(Fold, Option<FieldPath>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    pub(super) item: Item,
    pub(super) alias: Option<String>,
}

impl Column {
    /// The key in the answer: the alias, else the last segment of the path, else the aggregate's name in lower case
    /// (the last two are our choice, protocol reference 6.2).
    pub(super) fn key(&self) -> String {
        match (&self.alias, &self.item) {
            (Some(alias), _) => alias.clone(),
            (None, Item::Path(path)) => path.leaf().to_owned(),
            (None, Item::Aggregate(fold, _)) => fold.name().to_ascii_lowercase(),
        }
    }
}

/// A `SELECT` statement (protocol reference 6.2).
///
/// Two queries are equal when they mean the same tree, however they were written.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub(super) top: Option<u64>,
    /// Empty for `SELECT *`.
    pub(super) columns: Vec<Column>,
    pub(super) source: Source,
    pub(super) condition: Option<Condition>,
    pub(super) group_by: Vec<FieldPath>,
}

impl Query {
    /// Reads a statement.
    ///
    /// # Errors
    ///
    /// When the text is not a statement of IoT Hub's query language, with the place and what was expected there.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        parse::query(text)
    }

    /// What the query runs over.
    pub fn source(&self) -> Source {
        self.source
    }

    /// Whether the rows are whole documents (`SELECT *`).
    pub fn select_all(&self) -> bool {
        self.columns.is_empty()
    }

    /// What the rows are (protocol reference 6.1).
    pub fn item_type(&self) -> ItemType {
        match (self.select_all(), self.source) {
            (true, Source::Jobs) => ItemType::DeviceJob,
            (true, Source::Devices | Source::Modules) => ItemType::Twin,
            (false, _) => ItemType::Raw,
        }
    }

    /// `TOP n`: at most this many rows.
    pub fn top(&self) -> Option<u64> {
        self.top
    }

    /// The `WHERE` part; without one every document is selected.
    pub fn condition(&self) -> Option<&Condition> {
        self.condition.as_ref()
    }

    /// Whether the `WHERE` part, if there is one, is true for this document.
    pub fn matches(&self, fields: &impl Fields) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition.matches(fields))
    }

    /// What parses but probably does not mean what its writer thinks, in the `WHERE` part.
    pub fn doubts(&self) -> &[Doubt] {
        self.condition.as_ref().map_or(&[], Condition::doubts)
    }

    /// Every path of the statement, as often as it stands there.
    pub fn paths(&self) -> impl Iterator<Item = &FieldPath> {
        let columns = self.columns.iter().filter_map(|column| match &column.item {
            Item::Path(path) | Item::Aggregate(_, Some(path)) => Some(path),
            Item::Aggregate(_, None) => None,
        });
        columns.chain(&self.group_by).chain(self.condition.iter().flat_map(Condition::paths))
    }

    /// Whether rows have to go through an [`Aggregator`] instead of [`Query::project`].
    pub fn is_aggregate(&self) -> bool {
        !self.group_by.is_empty() || self.columns.iter().any(|column| matches!(column.item, Item::Aggregate(..)))
    }

    /// One row of the answer: the selected columns of one document, undefined ones left out (protocol reference 6.3).
    ///
    /// Empty for `SELECT *`, whose row is the document itself, and without the aggregates of a query that has some.
    pub fn project(&self, fields: &impl Fields) -> Map<String, Value> {
        let mut row = Map::new();
        for column in &self.columns {
            if let Item::Path(path) = &column.item
                && let Some(value) = fields.json(path)
            {
                row.insert(column.key(), value);
            }
        }
        row
    }

    /// The grouped paths of a query whose only aggregate is `COUNT()`: its groups can be counted elsewhere and handed to
    /// [`Aggregator::add_counted`].
    pub fn counted_by(&self) -> Option<&[FieldPath]> {
        let counts = |column: &Column| matches!(column.item, Item::Path(_) | Item::Aggregate(Fold::Count, _));
        (self.is_aggregate() && self.columns.iter().all(counts)).then_some(&*self.group_by)
    }

    /// A fresh collector of groups, when [`Query::is_aggregate`].
    pub fn aggregator(&self) -> Option<Aggregator<'_>> {
        self.is_aggregate().then(|| Aggregator::new(self))
    }
}

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        Self::parse(text)
    }
}

impl Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.item {
            Item::Path(path) => write!(f, "{path}")?,
            Item::Aggregate(fold, None) => write!(f, "{}()", fold.name())?,
            Item::Aggregate(fold, Some(path)) => write!(f, "{}({path})", fold.name())?,
        }
        self.alias.as_ref().map_or(Ok(()), |alias| write!(f, " AS {alias}"))
    }
}

impl Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SELECT ")?;
        if let Some(top) = self.top {
            write!(f, "TOP {top} ")?;
        }
        if self.select_all() {
            f.write_str("*")?;
        }
        write_joined(f, &self.columns, ", ", |f, column| write!(f, "{column}"))?;
        write!(f, " FROM {}", self.source)?;
        if let Some(condition) = &self.condition {
            write!(f, " WHERE {condition}")?;
        }
        if !self.group_by.is_empty() {
            f.write_str(" GROUP BY ")?;
        }
        write_joined(f, &self.group_by, ", ", |f, path| write!(f, "{path}"))
    }
}
