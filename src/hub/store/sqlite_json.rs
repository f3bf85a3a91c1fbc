//! One value in a JSON text, without the others being taken apart.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Value, value::RawValue};

use crate::query::Operand;

/// The text at the end of a way through objects; nothing when the way does not lead anywhere.
pub(super) fn find<'t, 'k>(text: &'t str, keys: impl IntoIterator<Item = &'k str>) -> Option<&'t str> {
    keys.into_iter().try_fold(text, |text, key| {
        let mut found = None;
        // It breaks off as soon as the member is found, which the parser takes for an error.
        let _broken_off = serde_json::Deserializer::from_str(text).deserialize_map(Member { key, found: &mut found });
        found.map(RawValue::get)
    })
}

/// The value that a text stands for, for as long as a test lasts.
pub(super) fn test(json: &str, test: &mut dyn FnMut(Operand<'_>) -> bool) -> bool {
    let inner = json.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match inner.filter(|inner| !inner.contains('\\')) {
        Some(inner) => test(Operand::Text(inner)),
        None => serde_json::from_str::<Value>(json).is_ok_and(|value| test(Operand::from(&value))),
    }
}

/// Looks for a member of an object.
struct Member<'k, 't, 'f> {
    key: &'k str,
    found: &'f mut Option<&'t RawValue>,
}

impl<'t> Visitor<'t> for Member<'_, 't, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(is_it) = map.next_key_seed(Is(self.key))? {
            if is_it {
                *self.found = Some(map.next_value()?);
                return Ok(());
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// Whether a key is this one.
struct Is<'k>(&'k str);

impl<'t> DeserializeSeed<'t> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'t>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::query::{FieldPath, Fields as _};

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<f64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a\"\\\\\n\u{e9}]{0,3}".prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(Value::Null),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[ab\"\\\\]{1,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_is_there(value in value(), keys in prop::collection::vec("[ab\"\\\\]{1,2}", 1..3)) {
            let path = keys.iter().fold("x".to_owned(), |path, key| format!("{path}.[[{key}]]"));
            let Ok(path) = FieldPath::parse(&path) else { return Ok(()) };
            let text = value.to_string();
            let whole = serde_json::json!({"x": value});
            let found = find(&text, path.segments().skip(1));
            let expected = whole.json(&path);
            prop_assert_eq!(found.map(str::to_owned), expected.as_ref().map(ToString::to_string));
            if let Some(found) = found {
                prop_assert!(test(found, &mut |operand| operand == whole.field(&path)));
            }
        }
    }
}
