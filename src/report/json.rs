//! What the JSON reports have in common: the envelope, lists that are streamed, schemas.

use std::{borrow::Cow, io};

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Location, Places, adoption, explanation, findings, outcome, plan, rehearsal, rollouts, standing};
use crate::fleet::Place;

/// The version of every JSON report. Within a version members are added and never change their meaning.
pub(crate) const VERSION: u32 = 1;

/// A line of a file.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Location")]
pub(crate) struct LocationView {
    /// Path of the file, relative to the fleet's root.
    file: String,
    /// Line, from 1; absent when it is not to be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

impl LocationView {
    /// Where a place is; the file alone when the line is not to be had.
    pub(crate) fn of(places: &dyn Places, place: &Place) -> Self {
        Self::new(places.locate(place), place)
    }

    /// The same in an earlier revision.
    pub(crate) fn at(places: &dyn Places, place: &Place, revision: &str) -> Self {
        Self::new(places.locate_at(place, revision), place)
    }

    fn new(found: Option<Location>, place: &Place) -> Self {
        match found {
            Some(at) => Self { file: at.file.to_string(), line: Some(at.line), column: Some(at.column) },
            None => Self { file: place.file.to_string(), line: None, column: None },
        }
    }
}

/// A list whose views are made one at a time, while it is written.
pub(crate) struct Each<'a, T, V> {
    items: &'a [T],
    keep: Box<dyn Fn(&T) -> bool + 'a>,
    view: Box<dyn Fn(&'a T) -> V + 'a>,
}

impl<'a, T, V> Each<'a, T, V> {
    pub(crate) fn new(items: &'a [T], view: impl Fn(&'a T) -> V + 'a) -> Self {
        Self::matching(items, |_| true, view)
    }

    /// Those of the items that `keep` says.
    pub(crate) fn matching(items: &'a [T], keep: impl Fn(&T) -> bool + 'a, view: impl Fn(&'a T) -> V + 'a) -> Self {
        Self { items, keep: Box::new(keep), view: Box::new(view) }
    }
}

impl<T, V: Serialize> Serialize for Each<'_, T, V> {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.collect_seq(self.items.iter().filter(|item| (self.keep)(item)).map(&self.view))
    }
}

impl<T, V: JsonSchema> JsonSchema for Each<'_, T, V> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Vec::<V>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<V>::json_schema(generator)
    }
}

/// Writes a view, for programs and for people who look at it all the same.
pub(crate) fn write(view: &impl Serialize, out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, view)?;
    writeln!(out)
}

/// The schema of every JSON report, with the name of the file that holds it.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("report-findings.schema.json", schema::<findings::View<'static>>("findings")),
        ("report-plan.schema.json", schema::<plan::View<'static>>("plan")),
        ("report-standing.schema.json", schema::<standing::View<'static>>("standing")),
        ("report-outcome.schema.json", schema::<outcome::View<'static>>("outcome")),
        ("report-rehearsal.schema.json", schema::<rehearsal::View<'static>>("rehearsal")),
        ("report-rollouts.schema.json", schema::<rollouts::View<'static>>("rollouts")),
        ("report-adoption.schema.json", schema::<adoption::View<'static>>("adoption")),
        ("report-explanation.schema.json", schema::<explanation::View<'static>>("explanation")),
    ]
}

/// A view's schema, with the version and the kind pinned to what this build writes.
fn schema<V: JsonSchema>(kind: &str) -> Value {
    let mut schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<V>();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("version".into(), serde_json::json!({ "const": VERSION }));
        properties.insert("kind".into(), serde_json::json!({ "const": kind }));
    }
    schema.to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_pins_its_version_and_kind() {
        for (file, schema) in schemas() {
            let kind = &schema["properties"]["kind"]["const"];
            assert_eq!(file, format!("report-{}.schema.json", kind.as_str().unwrap()));
            assert_eq!(schema["properties"]["version"]["const"], VERSION);
        }
    }
}
