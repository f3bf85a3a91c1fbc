//! A record as a query sees it: only what a path asks for is taken apart.

use std::cell::OnceCell;

use serde_json::Value;

use super::super::presence::PresenceTable;
use crate::{
    hub::record::{Half, Presence, Record, head, twin_view},
    query::{FieldPath, Fields, Operand},
};

/// See the module. What cannot be read is undefined.
pub(in crate::hub::core) struct RecordFields<'a> {
    record: &'a Record,
    table: &'a PresenceTable,
    presence: OnceCell<Presence>,
    head: OnceCell<Value>,
    tags: OnceCell<Value>,
    configurations: OnceCell<Value>,
    desired: HalfFields<'a>,
    reported: HalfFields<'a>,
    whole: OnceCell<Value>,
}

impl<'a> RecordFields<'a> {
    pub(in crate::hub::core) fn new(record: &'a Record, table: &'a PresenceTable) -> Self {
        let (presence, head, tags, configurations, whole) = Default::default();
        let (desired, reported) = (HalfFields::new(&record.desired), HalfFields::new(&record.reported));
        Self { record, table, presence, head, tags, configurations, desired, reported, whole }
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

    fn property(&self, path: &FieldPath) -> Option<&Value> {
        let mut below = path.segments().skip(2);
        let half = match path.segments().nth(1) {
            Some("desired") => &self.desired,
            Some("reported") => &self.reported,
            _ => return descend(self.whole(), path.segments()),
        };
        match path.segments().nth(2) {
            None | Some("$version") => descend(self.whole(), path.segments()),
            Some("$metadata") => {
                below.next();
                descend(half.metadata(), below)
            }
            Some(_) => descend(half.values(), below),
        }
    }

    fn value(&self, path: &FieldPath) -> Option<&Value> {
        let mut segments = path.segments();
        let start = match path.root() {
            "tags" => {
                segments.next();
                self.record.tags.as_ref()?;
                self.tags()
            }
            "configurations" => {
                segments.next();
                let text = self.record.configurations.as_deref()?;
                self.configurations.get_or_init(|| read(text))
            }
            "properties" => return self.property(path),
            _ => self.head(),
        };
        descend(start, segments)
    }
}

/// One half of the properties, taken apart when asked for.
struct HalfFields<'a> {
    half: &'a Half,
    values: OnceCell<Value>,
    metadata: OnceCell<Value>,
}

impl<'a> HalfFields<'a> {
    fn new(half: &'a Half) -> Self {
        Self { half, values: OnceCell::new(), metadata: OnceCell::new() }
    }

    fn values(&self) -> &Value {
        self.values.get_or_init(|| read(&self.half.values))
    }

    fn metadata(&self) -> &Value {
        self.metadata.get_or_init(|| read(&self.half.metadata))
    }
}

fn descend<'v, 's>(start: &'v Value, mut segments: impl Iterator<Item = &'s str>) -> Option<&'v Value> {
    segments.try_fold(start, |value, segment| value.as_object()?.get(segment))
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

impl Fields for RecordFields<'_> {
    fn field(&self, path: &FieldPath) -> Operand<'_> {
        if path.is("deviceId") {
            return Operand::Text(self.record.link.device.as_str());
        }
        if path.is("moduleId") {
            return self.record.link.module.as_deref().map_or(Operand::Undefined, Operand::Text);
        }
        // Asked for often, and told without reading the identity.
        if path.is("connectionState") {
            return Operand::Text(self.presence().state().name());
        }
        self.value(path).map_or(Operand::Undefined, Operand::from)
    }

    fn json(&self, path: &FieldPath) -> Option<Value> {
        self.value(path).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::{
        ports::LinkId,
        record::{Mode, TwinWrite},
    };

    #[test]
    fn looking_into_a_part_and_into_the_whole_agree() {
        let link = LinkId { device: crate::twin::DeviceId::new("d1").unwrap(), module: None };
        let mut record = Record::fresh(link, &crate::iothub::DeviceIdentity::default(), 7, "T").unwrap();
        let body = br#"{"tags": {"a": {"b": 1}}, "properties": {"desired": {"fw": {"c": [1, 2]}}}}"#;
        TwinWrite::parse(body, Mode::Merge).unwrap().apply(&mut record, "U").unwrap();
        record.configurations = Some(r#"{"fw-stable":{"status":"Applied"}}"#.into());
        let table = PresenceTable::default();
        let fields = RecordFields::new(&record, &table);
        for text in [
            "deviceId",
            "moduleId",
            "version",
            "tags",
            "tags.a.b",
            "tags.x",
            "properties",
            "properties.desired",
            "properties.desired.fw.c",
            "properties.desired.fw.x.y",
            "properties.desired.$version",
            "properties.desired.$metadata",
            "properties.desired.$metadata.fw.c.$lastUpdated",
            "properties.reported.fw",
            "properties.reported.$metadata.$lastUpdated",
            "connectionState",
            "configurations",
            "configurations.[[fw-stable]].status",
            "configurations.none.status",
            "nothing",
        ] {
            let path = FieldPath::parse(text).unwrap();
            let whole = fields.whole();
            assert_eq!(fields.json(&path), whole.json(&path), "{text}");
            assert_eq!(fields.field(&path).to_json(), whole.field(&path).to_json(), "{text}");
        }
    }
}
