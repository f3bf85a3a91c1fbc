//! A page of an answer while it is being made.

use serde_json::{Map, Value};

use super::{fields::RecordFields, token::Place};
use crate::{
    hub::failure::Failure,
    query::{ItemType, Query},
};

/// A page of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// A JSON array.
    pub(crate) body: String,
    pub(crate) item_type: ItemType,
    /// Where the next page begins; nothing on the last one.
    pub(crate) continuation: Option<String>,
}

/// Rows as they come.
pub(super) struct Rows {
    body: String,
    pub(super) count: u64,
}

impl Rows {
    pub(super) fn new() -> Self {
        Self { body: "[".to_owned(), count: 0 }
    }

    /// How long they are so far.
    pub(super) const fn bytes(&self) -> usize {
        self.body.len()
    }

    fn begin(&mut self) {
        if self.count > 0 {
            self.body.push(',');
        }
        self.count += 1;
    }

    /// A selected record's row.
    pub(super) fn push(&mut self, query: &Query, fields: &RecordFields<'_>) -> Result<(), Failure> {
        if !query.select_all() {
            self.push_columns(query.project(fields));
            return Ok(());
        }
        let damaged = || Failure::new(crate::iothub::ErrorCode::ServerError, "the hub's copy of a twin cannot be read");
        let text = fields.text().ok_or_else(damaged)?;
        self.begin();
        self.body.push_str(&text);
        Ok(())
    }

    /// A row of columns.
    pub(super) fn push_columns(&mut self, row: Map<String, Value>) {
        self.begin();
        self.body.push_str(&Value::Object(row).to_string());
    }

    /// A row that is text already.
    pub(super) fn push_text(&mut self, row: &str) {
        self.begin();
        self.body.push_str(row);
    }

    /// The page, with the token of the next one.
    pub(super) fn into_page(mut self, query: &Query, continuation: Option<String>) -> Page {
        self.body.push(']');
        Page { body: self.body, item_type: query.item_type(), continuation }
    }

    /// The page; `next` is where another one begins.
    pub(super) fn finish(mut self, query: &Query, text: &str, next: Option<&Place>) -> Page {
        self.body.push(']');
        Page { body: self.body, item_type: query.item_type(), continuation: next.map(|place| place.token(text)) }
    }
}
