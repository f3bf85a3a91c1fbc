//! `${secret.NAME}` in the place of secrets, for those who ask for it.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

/// The names that secrets were given. What they stand for is kept to compare with, and shown to nobody.
#[derive(Default)]
pub(super) struct Placeholders {
    by_secret: BTreeMap<String, String>,
    names: BTreeMap<String, String>,
}

impl std::fmt::Debug for Placeholders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Placeholders(…)")
    }
}

impl Placeholders {
    /// Puts a placeholder at `pointer`, which begins with the component's own keys.
    pub(super) fn replace(&mut self, component: &[Arc<str>], live: &Value, written: &mut Value, pointer: &str) {
        let steps: Vec<String> =
            pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
        let below: String =
            pointer.split('/').skip(1 + component.len()).fold(String::new(), |all, step| all + "/" + step);
        let (Some(Value::String(secret)), Some(place)) = (live.pointer(&below), written.pointer_mut(&below)) else {
            return;
        };
        *place = Value::String(format!("${{secret.{}}}", self.name(secret, &steps)));
    }

    /// A name for this secret: after the last keys that lead to it, and told apart by a number.
    fn name(&mut self, secret: &str, steps: &[String]) -> String {
        if let Some(name) = self.by_secret.get(secret) {
            return name.clone();
        }
        let last = steps.get(steps.len().saturating_sub(2)..).unwrap_or_default().join("_");
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        let base: String = last.chars().map(plain).collect();
        let mut name = base.clone();
        let mut number = 1;
        while self.names.contains_key(&name) {
            number += 1;
            name = format!("{base}_{number}");
        }
        self.by_secret.insert(secret.to_owned(), name.clone());
        self.names.insert(name.clone(), format!("properties.desired.{}", steps.join(".")));
        name
    }

    /// The secrets by name, to fill them in again.
    pub(super) fn values(&self) -> BTreeMap<String, String> {
        self.by_secret.iter().map(|(secret, name)| (name.clone(), secret.clone())).collect()
    }

    /// The names, and a path that each stands at.
    pub(super) fn names(&self) -> &BTreeMap<String, String> {
        &self.names
    }
}
