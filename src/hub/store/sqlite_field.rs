//! A row as a condition sees it: columns are read, and texts taken apart, as far as a test needs them.

use rusqlite::{Row, types::ValueRef};
use serde_json::Value;

use super::sqlite_json;
use crate::query::{FieldPath, Operand, Tested};

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Field {
    Device,
    Module,
    /// A column with a text.
    Text,
    /// A column with a number.
    Number,
    Status,
    /// In a column with a JSON text, below these keys.
    Json(Vec<Box<str>>),
    /// The same, and false where nothing is there.
    Flag(&'static [&'static str]),
}

/// A path, and what it leads to in the columns that are read.
#[derive(Debug)]
struct Spot {
    path: FieldPath,
    field: Field,
    column: usize,
}

/// The paths that a statement reads columns for.
#[derive(Debug, Default)]
pub(super) struct Spots {
    spots: Vec<Spot>,
    columns: Vec<&'static str>,
}

/// Whether columns of a row tell what is at a path.
pub(super) fn is_known(path: &FieldPath) -> bool {
    field(path).is_some()
}

/// Column and field of a path.
fn field(path: &FieldPath) -> Option<(&'static str, Field)> {
    let below = |from: usize| Field::Json(path.segments().skip(from).map(Box::from).collect());
    let segments: Vec<&str> = path.segments().take(4).collect();
    Some(match segments.as_slice() {
        ["deviceId"] => ("device_id", Field::Device),
        ["moduleId"] => ("module_id", Field::Module),
        ["status"] => ("enabled", Field::Status),
        ["version"] => ("version", Field::Number),
        ["modelId"] => ("model_id", Field::Text),
        ["capabilities", "iotEdge"] => ("identity", Field::Flag(&["capabilities", "iotEdge"])),
        ["tags", ..] => ("tags", below(1)),
        ["configurations", ..] => ("configurations", below(1)),
        ["properties", "desired", "$version"] => ("desired_version", Field::Number),
        ["properties", "desired", "$metadata", ..] => ("desired_metadata", below(3)),
        ["properties", "desired", key, ..] if !key.starts_with('$') => ("desired", below(2)),
        ["properties", "reported", "$version"] => ("reported_version", Field::Number),
        ["properties", "reported", "$metadata", ..] => ("reported_metadata", below(3)),
        ["properties", "reported", key, ..] if !key.starts_with('$') => ("reported", below(2)),
        _ => return None,
    })
}

impl Spots {
    /// Of paths that are known.
    pub(super) fn new<'p>(paths: impl IntoIterator<Item = &'p FieldPath>) -> Self {
        let mut all = Self { spots: Vec::new(), columns: vec!["device_id", "module_id"] };
        for path in paths {
            if let Some((name, field)) = field(path)
                && !all.spots.iter().any(|spot| spot.path == *path)
            {
                let column = all.columns.iter().position(|column| *column == name).unwrap_or(all.columns.len());
                if column == all.columns.len() {
                    all.columns.push(name);
                }
                all.spots.push(Spot { path: path.clone(), field, column });
            }
        }
        all
    }

    /// The columns to be read, those of the name first.
    pub(super) fn columns(&self) -> String {
        self.columns.iter().map(|column| format!("r.{column}")).collect::<Vec<_>>().join(", ")
    }
}

/// A row that was read for some paths.
pub(super) struct Seen<'r, 's> {
    pub(super) row: &'r Row<'s>,
    pub(super) spots: &'r Spots,
}

impl Seen<'_, '_> {
    fn text(&self, column: usize) -> Option<&str> {
        self.row.get_ref(column).ok()?.as_str().ok()
    }

    fn find<'k>(&self, column: usize, keys: impl IntoIterator<Item = &'k str>) -> Option<&str> {
        sqlite_json::find(self.text(column)?, keys)
    }

    fn spot(&self, path: &FieldPath) -> Option<&Spot> {
        self.spots.spots.iter().find(|spot| spot.path == *path)
    }

    /// What is at a path, numbers as they were written.
    pub(super) fn json(&self, path: &FieldPath) -> Option<Value> {
        let spot = self.spot(path)?;
        if let Field::Json(keys) = &spot.field {
            return serde_json::from_str(self.find(spot.column, keys.iter().map(AsRef::as_ref))?).ok();
        }
        let mut found = None;
        self.test(path, &mut |operand| {
            found = operand.to_json();
            true
        });
        found
    }
}

impl Tested for Seen<'_, '_> {
    fn test(&self, path: &FieldPath, test: &mut dyn FnMut(Operand<'_>) -> bool) -> bool {
        let Some(Spot { field, column, .. }) = self.spot(path) else { return test(Operand::Undefined) };
        let words = |text: Option<&str>, test: &mut dyn FnMut(Operand<'_>) -> bool| {
            test(text.map_or(Operand::Undefined, Operand::Text))
        };
        match field {
            Field::Device | Field::Text => words(self.text(*column), test),
            // Devices have none, which is an empty one here.
            Field::Module => words(self.text(*column).filter(|module| !module.is_empty()), test),
            Field::Number => test(match self.row.get_ref(*column) {
                #[expect(clippy::cast_precision_loss, reason = "no counter comes near it")]
                Ok(ValueRef::Integer(number)) => Operand::Number(number as f64),
                _ => Operand::Undefined,
            }),
            Field::Status => {
                let enabled = self.row.get(*column).unwrap_or_default();
                test(Operand::Text(if enabled { "enabled" } else { "disabled" }))
            }
            Field::Json(keys) => match self.find(*column, keys.iter().map(AsRef::as_ref)) {
                Some(found) => sqlite_json::test(found, test),
                None => test(Operand::Undefined),
            },
            Field::Flag(keys) => {
                test(Operand::Bool(self.find(*column, keys.iter().copied()).is_some_and(|found| found == "true")))
            }
        }
    }
}
