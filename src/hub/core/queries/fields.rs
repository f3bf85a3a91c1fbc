//! A record as a query sees it: only what a path asks for is taken apart.

use std::cell::OnceCell;

use serde_json::Value;

use super::super::presence::PresenceTable;
use crate::{
    hub::record::{Presence, Record, head, twin_view},
    query::{FieldPath, Fields, Operand},
};

/// See the module. What cannot be read is undefined.
pub(super) struct RecordFields<'a> {
    record: &'a Record,
    table: &'a PresenceTable,
    presence: OnceCell<Presence>,
    head: OnceCell<Value>,
    tags: OnceCell<Value>,
    whole: OnceCell<Value>,
}

impl<'a> RecordFields<'a> {
    pub(super) fn new(record: &'a Record, table: &'a PresenceTable) -> Self {
        let (presence, head, tags, whole) = Default::default();
        Self { record, table, presence, head, tags, whole }
    }

    fn presence(&self) -> &Presence {
        self.presence.get_or_init(|| self.table.of(self.record))
    }

    /// The twin as text, for `SELECT *`.
    pub(super) fn text(&self) -> Option<String> {
        twin_view(self.record, self.presence()).ok()
    }

    fn head(&self) -> &Value {
        self.head.get_or_init(|| {
            let head = head(self.record, self.presence()).ok();
            head.and_then(|head| serde_json::to_value(head).ok()).unwrap_or_default()
        })
    }

    fn tags(&self) -> &Value {
        self.tags.get_or_init(|| read(self.record.tags.as_deref().unwrap_or("null")))
    }

    fn whole(&self) -> &Value {
        self.whole.get_or_init(|| self.text().map(|text| read(&text)).unwrap_or_default())
    }

    fn value(&self, path: &FieldPath) -> Option<&Value> {
        let mut segments = path.segments();
        let start = match path.root() {
            "tags" => {
                segments.next();
                self.record.tags.as_ref()?;
                self.tags()
            }
            "properties" => self.whole(),
            _ => self.head(),
        };
        segments.try_fold(start, |value, segment| value.as_object()?.get(segment))
    }
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

impl Fields for RecordFields<'_> {
    fn field(&self, path: &FieldPath) -> Operand<'_> {
        if path.is("deviceId") {
            return Operand::Text(self.record.link.device.as_str());
        }
        self.value(path).map_or(Operand::Undefined, Operand::from)
    }

    fn json(&self, path: &FieldPath) -> Option<Value> {
        self.value(path).cloned()
    }
}
