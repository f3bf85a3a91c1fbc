//! Which paths are imported: `--only` and `--skip`.

use std::sync::Arc;

use serde_json::Value;

use crate::twin::{Map, PropertyPath, Section};

/// What of a section is taken.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    only: Vec<Vec<Arc<str>>>,
    skip: Vec<Vec<Arc<str>>>,
}

impl Scope {
    /// The part of `only` and `skip` that speaks of this section.
    pub(super) fn of(section: Section, only: &[PropertyPath], skip: &[PropertyPath]) -> Self {
        let keys = |paths: &[PropertyPath]| {
            paths.iter().filter(|path| path.section == section).map(|path| path.keys.clone()).collect()
        };
        Self { only: keys(only), skip: keys(skip) }
    }

    /// Whether a part of what lies at or below `keys` may be left out.
    pub(super) fn touches(&self, keys: &[Arc<str>]) -> bool {
        let below = |path: &Vec<Arc<str>>| path.len() > keys.len() && path.starts_with(keys);
        self.only.iter().chain(&self.skip).any(below)
    }

    /// The part of a value that is taken; nulls, which no twin holds, are not. `way` leads to it and comes back as it
    /// was.
    pub(super) fn part(&self, way: &mut Vec<Arc<str>>, value: Value) -> Option<Value> {
        let within = |path: &Vec<Arc<str>>| way.starts_with(path);
        if value.is_null() || self.skip.iter().any(within) {
            return None;
        }
        let whole = self.only.is_empty() || self.only.iter().any(within);
        match value {
            Value::Object(members) if !members.is_empty() => {
                let kept = self.members(way, members);
                (!kept.is_empty()).then_some(Value::Object(kept))
            }
            other => whole.then_some(other),
        }
    }

    /// As [`Self::part`], for every member.
    pub(super) fn members(&self, way: &mut Vec<Arc<str>>, members: Map) -> Map {
        let mut kept = Map::new();
        for (key, value) in members {
            way.push(key.as_str().into());
            if let Some(value) = self.part(way, value) {
                kept.insert(key, value);
            }
            way.pop();
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn taken(only: &[&str], skip: &[&str]) -> Value {
        let paths = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<PropertyPath>>();
        let scope = Scope::of(Section::Desired, &paths(only), &paths(skip));
        let Value::Object(all) = json!({"a": {"b": 1, "c": {}}, "d": {"e": 2, "n": null}}) else { panic!("an object") };
        Value::Object(scope.members(&mut Vec::new(), all))
    }

    #[test]
    fn without_words_everything_but_nulls_is_taken() {
        assert_eq!(taken(&[], &[]), json!({"a": {"b": 1, "c": {}}, "d": {"e": 2}}));
    }

    #[test]
    fn only_and_skip_narrow_down_at_any_depth() {
        assert_eq!(taken(&["properties.desired.a"], &[]), json!({"a": {"b": 1, "c": {}}}));
        assert_eq!(taken(&["properties.desired.a.b"], &[]), json!({"a": {"b": 1}}));
        assert_eq!(taken(&[], &["properties.desired.a.c", "properties.desired.d"]), json!({"a": {"b": 1}}));
        assert_eq!(taken(&["properties.desired.a"], &["properties.desired.a"]), json!({}));
        assert_eq!(taken(&[], &["tags.a"]), taken(&[], &[]));
    }
}
