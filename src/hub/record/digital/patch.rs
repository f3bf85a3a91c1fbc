//! JSON Patch of a digital twin, as a patch of the desired properties (protocol reference 10).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{Mode, Record, TwinWrite, write::effective},
    MARKER, component, pointer,
};
use crate::{hub::failure::Failure, twin::Map};

/// Most operations of one patch.
const MOST: usize = 1000;

/// A patch that can be read; whether it fits is seen with the twin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DigitalPatch(Vec<Operation>);

#[derive(Debug, Clone, PartialEq)]
struct Operation {
    keys: Vec<String>,
    /// Nothing to remove what is there.
    value: Option<Value>,
}

#[derive(Deserialize)]
struct Body {
    op: String,
    path: String,
    value: Option<Value>,
}

impl DigitalPatch {
    /// Reads the body of a PATCH.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Failure> {
        let operations: Vec<Body> = serde_json::from_slice(body)
            .map_err(|error| Failure::invalid(format!("the body is no JSON Patch: {error}")))?;
        if operations.len() > MOST {
            return Err(Failure::invalid(format!("the body has more than {MOST} operations")));
        }
        operations.into_iter().map(Body::operation).collect::<Result<_, _>>().map(Self)
    }

    /// The write that does to a record's desired properties what the operations say, one after the other.
    pub(crate) fn write(&self, record: &Record) -> Result<TwinWrite, Failure> {
        let (old, reported) = (record.desired.tree()?.values, record.reported.tree()?.values);
        let mut new = old.clone();
        let mut touched = BTreeSet::new();
        for Operation { keys, value } in &self.0 {
            let inside = keys.len() > 1 && is_component(&keys[0], &new, &reported);
            match value {
                Some(value) => {
                    let value = cleaned(value, keys, &new, &reported);
                    set(&mut new, keys, value)?;
                }
                None => remove(&mut new, keys)?,
            }
            if inside {
                mark(&mut new, &keys[0]);
            }
            touched.insert(keys.as_slice());
        }
        let patch = difference(&old, &new, &touched);
        let body = if self.0.is_empty() { json!({}) } else { json!({ "properties": { "desired": patch } }) };
        TwinWrite::parse(body.to_string().as_bytes(), Mode::Merge)
    }
}

impl Body {
    fn operation(self) -> Result<Operation, Failure> {
        let Self { op, path, value } = self;
        let keys = pointer::parse(&path)?;
        let value = match op.as_str() {
            // A twin keeps no null: a value that is null, which this reads as none, goes.
            "add" | "replace" | "remove" if op == "remove" || value.is_none() => None,
            "add" | "replace" => value,
            other => {
                return Err(Failure::invalid(format!("op {other:?}: a digital twin knows add, replace and remove")));
            }
        };
        Ok(Operation { keys, value })
    }
}

/// Whether a member is a component: it says so, or it is not there yet and something is to be put into it.
fn is_component(name: &str, desired: &Map, reported: &Map) -> bool {
    let mut known = [desired.get(name), reported.get(name)].into_iter().flatten().peekable();
    known.peek().is_none() || known.any(|value| component(value).is_some())
}

/// A value as the desired properties have it: a component has its mark, and neither has members of the hub.
fn cleaned(value: &Value, keys: &[String], desired: &Map, reported: &Map) -> Value {
    let mut value = value.clone();
    if let ([name], Value::Object(members)) = (keys, &mut value) {
        let new = members.remove("$metadata").is_some();
        let known =
            [desired.get(name), reported.get(name)].into_iter().flatten().any(|value| component(value).is_some());
        if new || known {
            members.insert(MARKER.to_owned(), "c".into());
        }
    }
    value
}

fn mark(desired: &mut Map, name: &str) {
    if let Some(Value::Object(members)) = desired.get_mut(name) {
        members.insert(MARKER.to_owned(), "c".into());
    }
}

/// Puts a value where the keys lead, making what is missing on the way.
fn set(values: &mut Map, keys: &[String], value: Value) -> Result<(), Failure> {
    let (Some((last, way)), mut here) = (keys.split_last(), values) else { return Ok(()) };
    for key in way {
        let next = here.entry(key).or_insert_with(|| Value::Object(Map::new()));
        here = next.as_object_mut().ok_or_else(|| Failure::invalid(format!("path: {key} is no object")))?;
    }
    here.insert(last.clone(), value);
    Ok(())
}

fn remove(values: &mut Map, keys: &[String]) -> Result<(), Failure> {
    let none = || Failure::invalid(format!("path /{}: there is no desired value to remove", keys.join("/")));
    let (last, way) = keys.split_last().ok_or_else(none)?;
    let here = way.iter().try_fold(values, |here, key| here.get_mut(key)?.as_object_mut()).ok_or_else(none)?;
    here.remove(last).map(drop).ok_or_else(none)
}

/// The merge patch that leads from `old` to `new` at the places that were touched, with the marks of their components.
fn difference(old: &Map, new: &Map, touched: &BTreeSet<&[String]>) -> Map {
    let mut patch = Map::new();
    for keys in touched {
        // What is above, if it was touched, comes earlier and has all that is below in it.
        if (1..keys.len()).any(|above| touched.contains(&keys[..above])) {
            continue;
        }
        put(&mut patch, old, new, keys);
    }
    patch
}

fn put(patch: &mut Map, old: &Map, new: &Map, keys: &[String]) {
    let Some((key, below)) = keys.split_first() else { return };
    let none = Map::new();
    let members = |map: &Map| map.get(key).and_then(Value::as_object).cloned();
    match (new.get(key), below) {
        // Gone with all that was in it.
        (None, _) => _ = patch.insert(key.clone(), Value::Null),
        (Some(Value::Object(inner)), []) => {
            let change = effective(members(old).as_ref().unwrap_or(&none), inner);
            patch.insert(key.clone(), change.into());
        }
        (Some(Value::Object(inner)), below) => {
            let slot = patch.entry(key).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(slot) = slot else { return };
            if let Some(marker) = inner.get(MARKER) {
                slot.insert(MARKER.to_owned(), marker.clone());
            }
            put(slot, members(old).as_ref().unwrap_or(&none), inner, below);
        }
        (Some(value), _) => _ = patch.insert(key.clone(), value.clone()),
    }
}

#[cfg(test)]
mod tests;
