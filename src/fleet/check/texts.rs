//! Every text of a tree, with the way to it.

use serde_json::Value;

use crate::{fleet::yaml::escape, twin::Map};

/// The way from a document to a value; only becomes a pointer when somebody asks.
#[derive(Debug)]
pub(super) struct Way<'v> {
    base: &'static str,
    steps: Vec<Step<'v>>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'v> {
    Key(&'v str),
    Index(usize),
}

impl Way<'_> {
    /// As JSON pointer.
    pub(super) fn pointer(&self) -> String {
        let mut pointer = self.base.to_owned();
        for step in &self.steps {
            pointer.push('/');
            match step {
                Step::Key(key) => pointer.push_str(&escape(key)),
                Step::Index(index) => pointer.push_str(&index.to_string()),
            }
        }
        pointer
    }
}

/// Gives every text below `base` to `visit`, with the way to it and the nearest key.
pub(super) fn each<'v>(members: &'v Map, base: &'static str, mut visit: impl FnMut(&Way<'v>, &'v str, &'v str)) {
    let mut way = Way { base, steps: Vec::new() };
    walk_members(members, &mut way, &mut visit);
}

fn walk_members<'v>(members: &'v Map, way: &mut Way<'v>, visit: &mut impl FnMut(&Way<'v>, &'v str, &'v str)) {
    for (key, value) in members {
        way.steps.push(Step::Key(key));
        walk(value, key, way, visit);
        way.steps.pop();
    }
}

fn walk<'v>(value: &'v Value, key: &'v str, way: &mut Way<'v>, visit: &mut impl FnMut(&Way<'v>, &'v str, &'v str)) {
    match value {
        Value::String(text) => visit(way, key, text),
        Value::Object(members) => walk_members(members, way, visit),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                way.steps.push(Step::Index(index));
                walk(item, key, way, visit);
                way.steps.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
