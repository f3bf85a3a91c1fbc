//! Writes of the service: PATCH and PUT of a twin (protocol reference 4).

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{
    Record,
    half::{Half, Stamp, Tree, reserved, text},
};
use crate::{
    hub::failure::Failure,
    twin::{self, HUB_MEMBERS, Map, Section, limits},
};

/// How a body is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// PATCH: sections are merged, those left out stay.
    Merge,
    /// PUT: sections are replaced, those left out become empty.
    Replace,
}

/// A write of one twin, read but not yet checked against what is there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TwinWrite {
    tags: Option<SectionWrite>,
    desired: Option<SectionWrite>,
}

#[derive(Debug, Clone, PartialEq)]
enum SectionWrite {
    Merge(Map),
    Replace(Map),
}

#[derive(Deserialize, Default)]
struct Body {
    #[serde(default, deserialize_with = "present")]
    tags: Option<Value>,
    #[serde(default)]
    properties: Option<BodyProperties>,
}

#[derive(Deserialize, Default)]
struct BodyProperties {
    #[serde(default, deserialize_with = "present")]
    desired: Option<Value>,
}

/// Tells a member that is null from one that is not there.
fn present<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(input).map(Some)
}

impl TwinWrite {
    /// Reads the body of a PATCH or PUT; members that are not the service's to write are ignored.
    pub(crate) fn parse(body: &[u8], mode: Mode) -> Result<Self, Failure> {
        // A list could be read as a body without any sections, which would wipe a twin that is replaced.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(Failure::invalid("the body is no twin patch: it is no JSON object"));
        }
        let body: Body = serde_json::from_slice(body)
            .map_err(|error| Failure::invalid(format!("the body is no twin patch: {error}")))?;
        Self::new(body.tags, body.properties.and_then(|properties| properties.desired), mode)
    }

    /// Takes sections as a body has them: nothing for one that is left out.
    pub(crate) fn new(tags: Option<Value>, desired: Option<Value>, mode: Mode) -> Result<Self, Failure> {
        Ok(Self {
            tags: SectionWrite::read(tags, mode, Section::Tags)?,
            desired: SectionWrite::read(desired, mode, Section::Desired)?,
        })
    }

    /// A write of desired properties alone: merged, or in the place of all that is there.
    pub(crate) fn desired(values: Map, mode: Mode) -> Result<Self, Failure> {
        Ok(Self { tags: None, desired: SectionWrite::read(Some(Value::Object(values)), mode, Section::Desired)? })
    }

    /// Whether it writes nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.tags.is_none() && self.desired.is_none()
    }

    /// Carries the write out on a record, whole or not at all. Gives what devices are told: the effective patch with
    /// its `$version`, unless desired was not written.
    pub(crate) fn apply(&self, record: &mut Record, time: &str) -> Result<Option<Bytes>, Failure> {
        let tags = self.tags.as_ref().map(|write| write.tags(record.tags.as_deref())).transpose()?;
        let desired = self.desired.as_ref().map(|write| write.desired(&record.desired, time)).transpose()?;
        if self.is_empty() {
            return Ok(None);
        }
        if let Some(tags) = tags {
            record.tags = Some(tags);
        }
        record.etag += 1;
        record.version += 1;
        Ok(desired.map(|(half, notice)| {
            record.desired = half;
            notice
        }))
    }
}

impl SectionWrite {
    fn read(section: Option<Value>, mode: Mode, name: Section) -> Result<Option<Self>, Failure> {
        let mut values = match (section, mode) {
            (None, Mode::Merge) => return Ok(None),
            (None, Mode::Replace) | (Some(Value::Null), _) => return Ok(Some(Self::Replace(Map::new()))),
            (Some(Value::Object(values)), _) => values,
            (Some(_), _) => {
                return Err(Failure::invalid(format!("{name}: a section is an object, or null to clear it")));
            }
        };
        if name == Section::Desired {
            // Clients that send back a whole twin are not blamed for what the hub put into it.
            for member in HUB_MEMBERS {
                values.remove(member);
            }
        }
        if let Some(path) = reserved(&values) {
            return Err(Failure::invalid(format!("{name}.{path}: a key cannot hold '$'")));
        }
        Ok(Some(match mode {
            Mode::Merge => Self::Merge(values),
            Mode::Replace => Self::Replace(values),
        }))
    }

    fn tags(&self, old: Option<&str>) -> Result<Box<str>, Failure> {
        let mut values = Map::new();
        match self {
            Self::Merge(patch) => {
                if let Some(old) = old {
                    values = serde_json::from_str(old).map_err(super::Corrupt)?;
                }
                twin::merge(&mut values, patch);
            }
            Self::Replace(new) => twin::merge(&mut values, new),
        }
        check(Section::Tags, &values)?;
        Ok(text(&values).into())
    }

    fn desired(&self, old: &Half, time: &str) -> Result<(Half, Bytes), Failure> {
        let mut tree = old.tree()?;
        let version = old.version + 1;
        let stamp = Stamp { time, version: Some(version) };
        let notice = match self {
            Self::Merge(patch) => {
                tree.merge(patch, stamp);
                notice(patch.clone(), version)
            }
            Self::Replace(new) => {
                let before = std::mem::take(&mut tree.values);
                tree.replace(new, stamp);
                notice(effective(&before, &tree.values), version)
            }
        };
        checked(Section::Desired, old, tree).map(|half| (half, notice))
    }
}

/// The half after a write, if a hub may keep it.
pub(super) fn checked(section: Section, old: &Half, tree: Tree) -> Result<Half, Failure> {
    check(section, &tree.values)?;
    Ok(old.next(tree))
}

fn check(section: Section, values: &Map) -> Result<(), Failure> {
    limits::check(section, values).first().map_or(Ok(()), |found| Err(Failure::violation(found)))
}

/// What turns `old` into `new` in the hands of a client that merges (protocol reference 11.7): the new values, and a
/// null for every key that is gone.
pub(super) fn effective(old: &Map, new: &Map) -> Map {
    let mut patch = Map::new();
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in new {
        let change = match (old.get(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => Value::Object(effective(old, new)),
            _ => value.clone(),
        };
        patch.insert(key.clone(), change);
    }
    patch
}

pub(super) fn notice(mut patch: Map, version: u64) -> Bytes {
    patch.insert("$version".to_owned(), version.into());
    text(&patch).into()
}

impl From<super::Corrupt> for Failure {
    fn from(error: super::Corrupt) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "a twin cannot be read");
        Self::new(crate::iothub::ErrorCode::ServerError, "the hub's copy of this twin cannot be read")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::laws::record;
    use super::*;

    fn write(record: &mut Record, mode: Mode, body: &Value) -> Result<Option<Value>, Failure> {
        let notice = TwinWrite::parse(body.to_string().as_bytes(), mode)?.apply(record, "T")?;
        Ok(notice.map(|text| serde_json::from_slice(&text).unwrap()))
    }

    fn values(half: &Half) -> Value {
        serde_json::from_str(&half.values).unwrap()
    }

    #[test]
    fn a_patch_merges_and_tells_the_device_with_nulls_kept() {
        let mut twin = record();
        write(&mut twin, Mode::Merge, &json!({"properties": {"desired": {"fw": {"a": 1}, "old": 1}}})).unwrap();
        let body = json!({"tags": {"site": "oslo"}, "properties": {"desired": {"fw": {"b": 2}, "old": null}}});
        let told = write(&mut twin, Mode::Merge, &body).unwrap();
        assert_eq!(told, Some(json!({"fw": {"b": 2}, "old": null, "$version": 3})));
        assert_eq!(values(&twin.desired), json!({"fw": {"a": 1, "b": 2}}));
        assert_eq!((twin.etag, twin.version, twin.desired.version, twin.reported.version), (3, 4, 3, 1));
        assert_eq!(twin.tags.as_deref(), Some(r#"{"site":"oslo"}"#));
    }

    #[test]
    fn metadata_follows_what_was_touched_and_its_ancestors() {
        let mut twin = record();
        write(&mut twin, Mode::Merge, &json!({"properties": {"desired": {"a": {"x": 1, "y": 1}, "b": [1]}}})).unwrap();
        let patch = TwinWrite::parse(br#"{"properties": {"desired": {"a": {"x": 2}}}}"#, Mode::Merge).unwrap();
        patch.apply(&mut twin, "U").unwrap();
        let old = json!({"$lastUpdated": "T", "$lastUpdatedVersion": 2});
        let new = json!({"$lastUpdated": "U", "$lastUpdatedVersion": 3});
        let expected = json!({"$lastUpdated": "U", "$lastUpdatedVersion": 3, "b": old,
            "a": {"$lastUpdated": "U", "$lastUpdatedVersion": 3, "x": new, "y": old}});
        assert_eq!(serde_json::from_str::<Value>(&twin.desired.metadata).unwrap(), expected);
    }

    #[test]
    fn tags_alone_are_no_news_for_the_device() {
        let mut twin = record();
        assert_eq!(write(&mut twin, Mode::Merge, &json!({"tags": {"a": 1}})), Ok(None));
        assert_eq!((twin.etag, twin.version, twin.desired.version), (2, 3, 1));
    }

    #[test]
    fn a_section_that_is_null_is_cleared_and_the_device_hears_every_key() {
        let mut twin = record();
        write(&mut twin, Mode::Merge, &json!({"tags": {"t": 1}, "properties": {"desired": {"a": 1, "b": {"c": 2}}}}))
            .unwrap();
        let told = write(&mut twin, Mode::Merge, &json!({"tags": null, "properties": {"desired": null}})).unwrap();
        assert_eq!(told, Some(json!({"a": null, "b": null, "$version": 3})));
        assert_eq!((values(&twin.desired), twin.tags.as_deref()), (json!({}), Some("{}")));
    }

    #[test]
    fn a_put_wipes_what_it_leaves_out_and_tells_the_difference() {
        let mut twin = record();
        let first = json!({"tags": {"t": 1}, "properties": {"desired": {"a": {"x": 1, "y": 2}, "b": 1, "d": [1]}}});
        write(&mut twin, Mode::Merge, &first).unwrap();
        let put = json!({"properties": {"desired": {"a": {"x": 3}, "c": null, "d": {"e": 1}, "$version": 9}}});
        let told = write(&mut twin, Mode::Replace, &put).unwrap();
        assert_eq!(told, Some(json!({"a": {"x": 3, "y": null}, "b": null, "d": {"e": 1}, "$version": 3})));
        assert_eq!((values(&twin.desired), twin.tags.as_deref()), (json!({"a": {"x": 3}, "d": {"e": 1}}), Some("{}")));
    }

    #[test]
    fn a_null_below_nothing_leaves_an_empty_object() {
        let mut twin = record();
        write(&mut twin, Mode::Merge, &json!({"properties": {"desired": {"a": {"b": null}}}})).unwrap();
        assert_eq!(values(&twin.desired), json!({"a": {}}));
    }

    #[test]
    fn one_bad_key_refuses_tags_and_desired_together() {
        for bad in [
            json!({"tags": {"good": 1}, "properties": {"desired": {"a.b": 1}}}),
            json!({"tags": {"good": 1}, "properties": {"desired": {"a": {"$lastUpdated": null}}}}),
            json!({"tags": {"a": [null]}}),
            json!({"tags": 7}),
            json!([]),
            json!(null),
            json!({"properties": {"desired": {"n": 4_503_599_627_370_496_u64}}}),
            json!({"tags": {"big": "x".repeat(4000), "bigger": "x".repeat(4000), "biggest": "x".repeat(400)}}),
        ] {
            let mut twin = record();
            let refused = write(&mut twin, Mode::Merge, &bad).unwrap_err();
            assert_eq!(refused.code.number(), 400_004, "{bad}");
            assert_eq!(twin, record(), "{bad}");
        }
    }

    #[test]
    fn a_body_without_sections_changes_nothing_when_merged() {
        let mut twin = record();
        assert_eq!(write(&mut twin, Mode::Merge, &json!({"deviceId": "x", "etag": "*"})), Ok(None));
        assert_eq!(twin, record());
    }
}
