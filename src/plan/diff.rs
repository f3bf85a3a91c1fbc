//! The three-way table: wanted × base × live, value by value.

use std::sync::Arc;

use serde_json::Value;

use super::Why;
use crate::twin::{Map, leaves, same};

/// One value that has to change, before anyone knows where it was declared.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change {
    pub(super) keys: Vec<Arc<str>>,
    pub(super) from: Option<Value>,
    pub(super) to: Option<Value>,
    pub(super) why: Why,
}

/// Compares one component, or the tags, and appends what has to change. `name` is its key in the section.
pub(super) fn component(
    name: &str,
    wanted: Option<&Value>,
    base: Option<&Value>,
    live: Option<&Value>,
    out: &mut Vec<Change>,
) {
    let mut walk = Walk { way: vec![name.into()], out };
    walk.value(wanted, base, live);
}

struct Walk<'o> {
    way: Vec<Arc<str>>,
    out: &'o mut Vec<Change>,
}

impl Walk<'_> {
    fn value(&mut self, wanted: Option<&Value>, base: Option<&Value>, live: Option<&Value>) {
        match wanted {
            None => {
                self.prune(base, live);
            }
            Some(Value::Null) => self.forbid(base, live),
            Some(Value::Object(members)) => self.object(members, base, live),
            Some(leaf) => {
                if !live.is_some_and(|live| same(leaf, live)) {
                    self.set(leaf, base, live);
                }
            }
        }
    }

    fn object(&mut self, wanted: &Map, base: Option<&Value>, live: Option<&Value>) {
        let declared = Value::Object(wanted.clone_without_nulls());
        match live {
            Some(Value::Object(live)) => self.members(Some(wanted), base.and_then(Value::as_object), live),
            _ if !wanted.is_empty() && declared.as_object().is_some_and(Map::is_empty) => {
                self.prune(base, live);
            }
            Some(_) => self.set(&declared, base, live),
            None if wanted.is_empty() => self.set(&declared, base, None),
            None => self.absent(wanted, base),
        }
    }

    /// The twin holds nothing here: every declared leaf is set, one by one, so that each keeps its own origin.
    fn absent(&mut self, wanted: &Map, base: Option<&Value>) {
        for leaf in leaves(wanted).into_iter().filter(|leaf| !leaf.value.is_null()) {
            let before = leaf.keys.iter().try_fold(base, |at, key| at.map(|at| at.get(&**key)));
            let depth = self.way.len();
            self.way.extend(leaf.keys);
            self.set(leaf.value, before.flatten(), None);
            self.way.truncate(depth);
        }
    }

    fn members(&mut self, wanted: Option<&Map>, base: Option<&Map>, live: &Map) {
        for (key, value) in wanted.into_iter().flatten() {
            self.step(key, |walk| walk.value(Some(value), base.and_then(|b| b.get(key)), live.get(key)));
        }
        for (key, before) in base.into_iter().flatten() {
            if !wanted.is_some_and(|wanted| wanted.contains_key(key)) {
                self.step(key, |walk| {
                    walk.prune(Some(before), live.get(key));
                });
            }
        }
    }

    fn step(&mut self, key: &str, inside: impl FnOnce(&mut Self)) {
        self.way.push(key.into());
        inside(self);
        self.way.pop();
    }

    fn set(&mut self, wanted: &Value, base: Option<&Value>, live: Option<&Value>) {
        let as_applied = match (base, live) {
            (None, _) => true,
            (Some(base), Some(live)) => same(base, live),
            (Some(base), None) => stored(base).is_none(),
        };
        let why = if as_applied { Why::Pending } else { Why::Edited { base: base.cloned() } };
        self.push(live, Some(wanted), why);
    }

    fn forbid(&mut self, base: Option<&Value>, live: Option<&Value>) {
        let Some(value) = live else { return };
        let why = match base {
            // An object may hold what is foreign beside what was ours.
            None | Some(Value::Object(_)) => Why::Forbidden,
            Some(base) if same(base, value) => Why::Forbidden,
            Some(base) => Why::Edited { base: stored(base) },
        };
        self.push(live, None, why);
    }

    /// Takes out what base declared and nobody wants any more. Says whether nothing is left here then, so that an
    /// object which held only our values goes with them.
    fn prune(&mut self, base: Option<&Value>, live: Option<&Value>) -> bool {
        let (Some(base), Some(live)) = (base, live) else { return live.is_none() };
        match (base, live) {
            (Value::Object(ours), Value::Object(live)) => self.prune_object(ours, live),
            // Declared as absent; or somebody put a value where we had an object: not ours any more.
            (Value::Null | Value::Object(_), _) => false,
            // And the other way round.
            (_, Value::Object(members)) if !members.is_empty() => false,
            _ => {
                self.push(Some(live), None, Why::Prune);
                true
            }
        }
    }

    fn prune_object(&mut self, ours: &Map, live: &Map) -> bool {
        let before = self.out.len();
        let mut left = live.len();
        for (key, value) in ours {
            let mut gone = false;
            self.step(key, |walk| gone = live.contains_key(key) && walk.prune(Some(value), live.get(key)));
            left -= usize::from(gone);
        }
        if left == 0 {
            self.out.truncate(before);
            self.push(Some(&Value::Object(live.clone())), None, Why::Prune);
        }
        left == 0
    }

    fn push(&mut self, from: Option<&Value>, to: Option<&Value>, why: Why) {
        self.out.push(Change { keys: self.way.clone(), from: from.cloned(), to: to.cloned(), why });
    }
}

/// Objects as they would be stored: a null says that something must not be there.
pub(super) trait WithoutNulls {
    fn clone_without_nulls(&self) -> Self;
}

impl WithoutNulls for Map {
    /// Members that are null, and objects that hold nothing but nulls, are left out; an empty object stays.
    fn clone_without_nulls(&self) -> Self {
        self.iter().filter_map(|(key, value)| Some((key.clone(), stored(value)?))).collect()
    }
}

/// A wanted value as it would be stored; an object of which nothing is left stays.
pub(super) fn stored_whole(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(members.clone_without_nulls()),
        other => other.clone(),
    }
}

fn stored(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(members) if !members.is_empty() => {
            let kept = members.clone_without_nulls();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        _ => Some(value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::twin::sample::section;

    /// `path: from -> to (why)` for each change.
    fn told(wanted: Value, base: Value, live: Value) -> Vec<String> {
        let side = |value: Value| (!value.is_null()).then_some(value);
        let (wanted, base, live) = (side(wanted), side(base), side(live));
        let mut out = Vec::new();
        component("c", wanted.as_ref(), base.as_ref(), live.as_ref(), &mut out);
        let text = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), ToString::to_string);
        out.iter()
            .map(|change| {
                let why = match &change.why {
                    Why::Pending => "pending".to_owned(),
                    Why::Edited { base } => format!("edited, base {}", text(base)),
                    Why::Prune => "prune".to_owned(),
                    Why::Forbidden => "forbidden".to_owned(),
                };
                format!("{}: {} -> {} ({why})", change.keys.join("."), text(&change.from), text(&change.to))
            })
            .collect()
    }

    const NOTHING: Value = Value::Null;

    #[test]
    fn what_git_changed_is_pending() {
        let now = told(json!({"a": 2}), json!({"a": 1}), json!({"a": 1}));
        assert_eq!(now, ["c.a: 1 -> 2 (pending)"]);
        assert_eq!(told(json!({"a": 2}), NOTHING, json!({"a": 1})), ["c.a: 1 -> 2 (pending)"]);
        assert_eq!(told(json!({"a": 2}), NOTHING, NOTHING), ["c.a: - -> 2 (pending)"]);
    }

    #[test]
    fn what_git_never_said_is_edited() {
        let kept = told(json!({"a": 1}), json!({"a": 1}), json!({"a": 3}));
        assert_eq!(kept, ["c.a: 3 -> 1 (edited, base 1)"]);
        let both = told(json!({"a": 2}), json!({"a": 1}), json!({"a": 3}));
        assert_eq!(both, ["c.a: 3 -> 2 (edited, base 1)"]);
        let deleted = told(json!({"a": 1}), json!({"a": 1}), json!({}));
        assert_eq!(deleted, ["c.a: - -> 1 (edited, base 1)"]);
    }

    #[test]
    fn what_is_no_longer_declared_is_pruned_and_a_foreign_value_stays() {
        let now = told(json!({"a": 1}), json!({"a": 1, "b": 2}), json!({"a": 1, "b": 5, "foreign": 1}));
        assert_eq!(now, ["c.b: 5 -> - (prune)"]);
    }

    #[test]
    fn an_object_goes_with_its_last_value_unless_something_foreign_is_in_it() {
        let ours = told(NOTHING, json!({"o": {"a": 1, "b": 2}}), json!({"o": {"a": 1, "b": 2}}));
        assert_eq!(ours, [r#"c: {"o":{"a":1,"b":2}} -> - (prune)"#]);
        let shared = told(NOTHING, json!({"o": {"a": 1}}), json!({"o": {"a": 1, "x": 2}}));
        assert_eq!(shared, ["c.o.a: 1 -> - (prune)"]);
    }

    #[test]
    fn null_means_that_it_must_not_be_there() {
        assert_eq!(told(json!({"a": null}), NOTHING, json!({"a": 1})), ["c.a: 1 -> - (forbidden)"]);
        assert_eq!(told(json!({"a": null}), NOTHING, json!({})), Vec::<String>::new());
        assert_eq!(told(json!({"a": null}), NOTHING, NOTHING), Vec::<String>::new());
        assert_eq!(told(json!({"a": null}), json!({"a": null}), json!({"a": 1})), ["c.a: 1 -> - (edited, base -)"]);
    }

    #[test]
    fn an_empty_object_is_declared_like_any_value() {
        assert_eq!(told(json!({}), NOTHING, NOTHING), ["c: - -> {} (pending)"]);
        assert_eq!(told(json!({}), NOTHING, json!({"foreign": 1})), Vec::<String>::new());
        assert_eq!(told(json!({}), NOTHING, json!(5)), ["c: 5 -> {} (pending)"]);
    }

    #[test]
    fn an_object_takes_the_place_of_a_value_as_a_whole() {
        assert_eq!(told(json!({"a": {"b": 1}}), NOTHING, json!({"a": 5})), [r#"c.a: 5 -> {"b":1} (pending)"#]);
    }

    /// Every component of wanted and base against live, and live after the changes.
    fn applied(wanted: &Map, base: &Map, live: &Map) -> (Vec<Change>, Map) {
        let mut changes = Vec::new();
        let names: std::collections::BTreeSet<_> = wanted.keys().chain(base.keys()).collect();
        for name in names {
            component(name, wanted.get(name), base.get(name), live.get(name), &mut changes);
        }
        let mut patch = Map::new();
        for change in &changes {
            crate::twin::set_path(&mut patch, &change.keys, change.to.clone().unwrap_or(Value::Null));
        }
        let mut after = live.clone();
        crate::twin::merge(&mut after, &patch);
        (changes, after)
    }

    proptest! {
        #[test]
        fn after_applying_a_plan_the_next_is_empty(wanted in section(), base in section(), live in section()) {
            let (_, after) = applied(&wanted, &base, &live);
            let (again, _) = applied(&wanted, &wanted, &after);
            prop_assert_eq!(again, vec![]);
        }

        #[test]
        fn a_foreign_value_is_never_touched(wanted in section(), base in section(), live in section()) {
            let (_, after) = applied(&wanted, &base, &live);
            let ours: Vec<_> = [&wanted, &base].into_iter().flat_map(leaves).map(|leaf| leaf.keys).collect();
            for leaf in leaves(&live) {
                // Below a declared value, or above one: declaring a path takes what stands in its way.
                let declared = ours.iter().any(|own| own.starts_with(&leaf.keys) || leaf.keys.starts_with(own));
                if !declared {
                    prop_assert_eq!(crate::twin::get(&after, &leaf.keys), Some(leaf.value));
                }
            }
        }

        #[test]
        fn only_what_base_declares_is_pruned(wanted in section(), base in section(), live in section()) {
            let (changes, _) = applied(&wanted, &base, &live);
            for change in changes.iter().filter(|change| change.why == Why::Prune) {
                let from = crate::twin::get(&base, &change.keys);
                prop_assert!(from.is_some(), "{:?}", change);
            }
        }

        #[test]
        fn without_a_base_nothing_is_pruned(wanted in section(), live in section()) {
            let (changes, _) = applied(&wanted, &Map::new(), &live);
            prop_assert!(changes.iter().all(|change| change.why == Why::Pending));
        }
    }
}
