//! What can be selected by: tags with plain values, and the devices that share all of them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use serde_json::Value;

use super::names::{Names, number};
use crate::{
    query::FieldPath,
    twin::{Map, leaves},
};

/// The longest text that a condition compares with.
const LONGEST: usize = 128;
/// The greatest integer that all JSON tools agree on.
const GREATEST: i64 = 1 << 52;
/// Most tags that are looked at.
const MOST_KEYS: usize = 24;
/// Most cohorts; tags of many values are left aside until no more are left.
const MOST_COHORTS: usize = 20_000;
/// A tag of so few values tells groups of devices apart, however few devices there are.
const FEW_VALUES: usize = 16;

/// A tag with a plain value: the numbers of its path and of its literal.
pub(super) type Fact = (u32, u32);

/// All tags of all devices.
#[derive(Debug, Default)]
pub(super) struct Tags {
    /// Paths as a condition writes them, with the keys that lead there; `None` for those that none can name.
    paths: Names<[Arc<str>]>,
    spelt: Vec<Option<Arc<str>>>,
    literals: Names<str>,
}

impl Tags {
    /// The facts of one device.
    pub(super) fn facts(&mut self, tags: &Map) -> Box<[Fact]> {
        let mut facts = Vec::new();
        for leaf in leaves(tags) {
            let Some(literal) = literal(leaf.value) else { continue };
            let key = self.paths.id(&leaf.keys);
            if self.spelt.len() < self.paths.len() {
                self.spelt.push(spelt(&leaf.keys));
            }
            if self.spelt[key as usize].is_some() {
                facts.push((key, self.literals.id(&literal)));
            }
        }
        facts.into()
    }

    /// A path as a condition writes it.
    pub(super) fn path(&self, key: u32) -> &str {
        self.spelt.get(key as usize).and_then(Option::as_deref).unwrap_or_default()
    }

    /// The keys of a path.
    pub(super) fn keys(&self, key: u32) -> &[Arc<str>] {
        self.paths.get(key)
    }

    /// A value as a condition writes it.
    pub(super) fn literal(&self, value: u32) -> &str {
        self.literals.get(value)
    }
}

/// As the query language writes a value; `None` for what it cannot compare well.
fn literal(value: &Value) -> Option<String> {
    match value {
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => {
            let number = number.as_i64().filter(|number| (-GREATEST..=GREATEST).contains(number))?;
            Some(number.to_string())
        }
        Value::String(text) => {
            let plain = |c: char| !c.is_control() && c != '\'' && c != '\\';
            (text.len() <= LONGEST && text.chars().all(plain)).then(|| format!("'{text}'"))
        }
        _ => None,
    }
}

/// The value that a literal stands for.
pub(super) fn value(literal: &str) -> Value {
    let text = literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    text.map_or_else(|| serde_json::from_str(literal).unwrap_or(Value::Null), Value::from)
}

/// As the query language writes a path; `None` when it would be read as another.
fn spelt(keys: &[Arc<str>]) -> Option<Arc<str>> {
    let plain = |key: &str| !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let quotable = |key: &str| key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    let mut text = "tags".to_owned();
    for key in keys {
        match () {
            () if plain(key) => text.extend([".", key]),
            () if quotable(key) && !key.is_empty() => text.extend([".[[", key, "]]"]),
            () => return None,
        }
    }
    let read = FieldPath::parse(&text).ok()?;
    read.segments().skip(1).eq(keys.iter().map(AsRef::as_ref)).then(|| text.into())
}

/// Devices that no condition over the tags that matter can tell apart.
#[derive(Debug)]
pub(super) struct Cohorts {
    /// The tags that matter, those of fewest values first.
    pub(super) keys: Vec<u32>,
    /// The literal of each of these tags; `None` where the devices have none.
    pub(super) rows: Vec<Box<[Option<u32>]>>,
    /// The cohort of each device.
    pub(super) of_device: Vec<u32>,
    /// Devices of each cohort.
    pub(super) sizes: Vec<u32>,
}

impl Cohorts {
    /// From the facts of all devices.
    pub(super) fn new<'f>(tags: &Tags, devices: impl Iterator<Item = &'f [Fact]> + Clone) -> Self {
        let mut keys = telling(tags, devices.clone());
        loop {
            let cohorts = Self::by(&keys, devices.clone());
            if cohorts.rows.len() <= MOST_COHORTS || keys.is_empty() {
                return cohorts;
            }
            keys.pop();
        }
    }

    fn by<'f>(keys: &[u32], devices: impl Iterator<Item = &'f [Fact]>) -> Self {
        let column: HashMap<u32, usize> = keys.iter().enumerate().map(|(at, key)| (*key, at)).collect();
        let mut known: HashMap<Box<[Option<u32>]>, u32> = HashMap::new();
        let mut cohorts = Self { keys: keys.to_vec(), rows: Vec::new(), of_device: Vec::new(), sizes: Vec::new() };
        for facts in devices {
            let mut row = vec![None; keys.len()];
            for (key, literal) in facts {
                if let Some(at) = column.get(key) {
                    row[*at] = Some(*literal);
                }
            }
            let row: Box<[Option<u32>]> = row.into();
            let cohort = *known.entry(row).or_insert_with_key(|row| {
                cohorts.rows.push(row.clone());
                cohorts.sizes.push(0);
                number(cohorts.rows.len() - 1)
            });
            cohorts.sizes[cohort as usize] += 1;
            cohorts.of_device.push(cohort);
        }
        cohorts
    }
}

/// The tags whose values several devices share, those of fewest values first.
fn telling<'f>(tags: &Tags, devices: impl Iterator<Item = &'f [Fact]>) -> Vec<u32> {
    let mut seen: BTreeMap<u32, (HashSet<u32>, usize)> = BTreeMap::new();
    for (key, literal) in devices.flatten() {
        let (values, holders) = seen.entry(*key).or_default();
        values.insert(*literal);
        *holders += 1;
    }
    let shared = |(values, holders): &(HashSet<u32>, usize)| {
        values.len() <= FEW_VALUES || values.len().saturating_mul(4) <= *holders
    };
    let mut keys: Vec<(usize, &str, u32)> = seen
        .iter()
        .filter(|(_, counts)| shared(counts))
        .map(|(key, (values, _))| (values.len(), tags.path(*key), *key))
        .collect();
    keys.sort_unstable();
    keys.truncate(MOST_KEYS);
    keys.into_iter().map(|(_, _, key)| key).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_spelt_as_the_language_reads_them() {
        let keys = |keys: &[&str]| keys.iter().map(|key| Arc::from(*key)).collect::<Vec<Arc<str>>>();
        assert_eq!(spelt(&keys(&["site"])).as_deref(), Some("tags.site"));
        assert_eq!(spelt(&keys(&["at", "fw-channel"])).as_deref(), Some("tags.at.[[fw-channel]]"));
        assert_eq!(spelt(&keys(&["a b"])), None);
    }

    #[test]
    fn only_plain_values_are_compared_with() {
        for (value, text) in [(json!("oslo"), "'oslo'"), (json!(true), "true"), (json!(-3), "-3")] {
            assert_eq!(literal(&value).as_deref(), Some(text));
            assert_eq!(super::value(text), value);
        }
        for value in [json!(1.5), json!("it's"), json!([1]), json!({}), json!("x".repeat(200)), json!(null)] {
            assert_eq!(literal(&value), None, "{value}");
        }
    }
}
