//! Puts the fields of a document together.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Field, Form, Input, Item, described::Described};
use crate::{component::Registry, fleet::Kind};

/// Fields of a form; whoever has more edits YAML.
const MOST: usize = 400;
/// Fields that are added at once.
const AT_ONCE: usize = 40;
/// How deep a document is looked into.
const DEPTH: usize = 12;

/// What is known of a place in a document.
#[derive(Clone)]
enum Means<'s> {
    Nothing,
    /// The `spec` of a document, in which components have a place.
    Spec(Described<'s>, &'s Registry),
    /// Components begin with these keys, joined by dots.
    Components(&'s Registry, String),
    Schema(Described<'s>),
}

impl<'s> Means<'s> {
    fn member(&self, key: &str, value: Option<&Value>) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::Spec(_, registry) if key == "desired" => Self::Components(registry, String::new()),
            Self::Spec(described, _) | Self::Schema(described) => {
                described.member(key).map_or(Self::Nothing, Self::Schema)
            }
            Self::Components(registry, path) => {
                let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                match registry.describing(&path, value.unwrap_or(&Value::Null)) {
                    Some(component) => Self::Schema(Described::new(&component.schema)),
                    None if registry.leads_on(&path) => Self::Components(registry, path),
                    None => Self::Nothing,
                }
            }
        }
    }

    fn described(&self) -> Option<Described<'s>> {
        match self {
            Self::Schema(described) | Self::Spec(described, _) => Some(*described),
            Self::Nothing | Self::Components(..) => None,
        }
    }

    fn is_group(&self) -> bool {
        match self {
            Self::Components(..) | Self::Spec(..) => true,
            Self::Schema(described) => described.kind() == Some("object"),
            Self::Nothing => false,
        }
    }
}

/// A document as a form, with fields for paths below `spec` that somebody has chosen to add.
pub(in crate::portal) fn build(kind: Kind, document: &Value, registry: &Registry, added: &[String]) -> Form {
    let schema = kind.schema();
    let added: BTreeSet<Vec<&str>> = added.iter().map(|path| path.split('.').collect()).collect();
    let mut builder = Builder { form: Form::default(), added, fields: 0 };
    let spec = document.get("spec").and_then(Value::as_object);
    let means = spec_of(&schema, kind, registry);
    builder.members(&means, &mut Vec::new(), spec);
    if let Means::Spec(described, _) | Means::Schema(described) = means {
        builder.form.choices = choices(described, kind, registry, spec);
    }
    builder.form
}

/// The values that adding a path below `spec` adds: those that its schema knows, or the path itself.
pub(in crate::portal) fn chosen(kind: Kind, document: &Value, registry: &Registry, path: &str) -> Vec<String> {
    let schema = kind.schema();
    let mut means = spec_of(&schema, kind, registry);
    let mut value = document.get("spec");
    for key in path.split('.') {
        value = value.and_then(|value| value.get(key));
        means = means.member(key, value);
    }
    let mut found = Vec::new();
    if let Some(described) = means.described() {
        leaves(described, value, path, 0, &mut found);
    }
    if found.is_empty() { vec![path.to_owned()] } else { found.into_iter().take(AT_ONCE).collect() }
}

fn spec_of<'s>(schema: &'s Value, kind: Kind, registry: &'s Registry) -> Means<'s> {
    let spec = schema.pointer("/properties/spec").unwrap_or(&Value::Null);
    let described = Described::at(schema, spec);
    if matches!(kind, Kind::Profile | Kind::Device) {
        Means::Spec(described, registry)
    } else {
        Means::Schema(described)
    }
}

/// What a document does not say yet: members of `spec`, components, and members of those that it has.
fn choices(spec: Described<'_>, kind: Kind, registry: &Registry, value: Option<&Map<String, Value>>) -> Vec<String> {
    let has_components = matches!(kind, Kind::Profile | Kind::Device);
    let mut found = Vec::new();
    for (key, described) in spec.members().filter(|(key, _)| !(has_components && matches!(*key, "desired" | "tags"))) {
        leaves_of(described, value.and_then(|value| value.get(key)), key, 0, &mut found);
    }
    let desired = value.and_then(|value| value.get("desired"));
    for component in registry.iter().filter(|component| has_components && component.claim.is_none()) {
        let path = format!("desired.{}", component.path);
        match component.keys().try_fold(desired, |at, key| Some(at?.get(key))).flatten() {
            // All members of all components would be more than anybody looks through.
            None => found.push(path),
            declared => leaves(Described::new(&component.schema), declared, &path, 0, &mut found),
        }
    }
    found
}

fn leaves(described: Described<'_>, value: Option<&Value>, path: &str, depth: usize, found: &mut Vec<String>) {
    for (key, below) in described.members().filter(|_| depth < DEPTH) {
        leaves_of(below, value.and_then(|value| value.get(key)), &format!("{path}.{key}"), depth + 1, found);
    }
}

fn leaves_of(described: Described<'_>, value: Option<&Value>, path: &str, depth: usize, found: &mut Vec<String>) {
    let has_members = described.members().next().is_some();
    match value {
        None | Some(Value::Object(_)) if has_members => leaves(described, value, path, depth, found),
        None => found.push(path.to_owned()),
        Some(_) => {}
    }
}

/// Whether a path goes on below these keys.
fn leads_to(keys: &[String], path: &[&str]) -> bool {
    path.len() > keys.len() && keys.iter().zip(path).all(|(a, b)| a == b)
}

struct Builder<'a> {
    form: Form,
    added: BTreeSet<Vec<&'a str>>,
    fields: usize,
}

impl Builder<'_> {
    fn members(&mut self, means: &Means<'_>, keys: &mut Vec<String>, value: Option<&Map<String, Value>>) {
        let declared = value.into_iter().flatten().map(|(key, _)| key.clone());
        let below = self.added.iter().filter(|path| leads_to(keys, path));
        let chosen = below.filter_map(|path| path.get(keys.len()).map(|key| (*key).to_owned()));
        let names: BTreeSet<String> = declared.chain(chosen).collect();
        for key in names {
            let value = value.and_then(|value| value.get(&key));
            let required = means.described().is_some_and(|described| described.demands(&key));
            let means = means.member(&key, value);
            keys.push(key);
            self.node(&means, keys, value, required);
            keys.pop();
        }
    }

    fn node(&mut self, means: &Means<'_>, keys: &mut Vec<String>, value: Option<&Value>, required: bool) {
        let leads_on = self.added.iter().any(|path| leads_to(keys, path));
        let members = value.and_then(Value::as_object);
        let is_group = members.is_some() || (value.is_none() && (leads_on || means.is_group()));
        if !is_group || keys.len() > DEPTH {
            return self.field(means, keys, value, required);
        }
        let hint = means.described().map(Described::words).unwrap_or_default();
        self.form.items.push(Item::Open { label: keys.last().cloned().unwrap_or_default(), hint });
        self.members(means, keys, members);
        self.form.items.push(Item::Close);
    }

    fn field(&mut self, means: &Means<'_>, keys: &[String], value: Option<&Value>, required: bool) {
        if self.fields == MOST {
            self.form.left_out += 1;
            return;
        }
        self.fields += 1;
        let described = means.described();
        let input = Input::of(described, value);
        let hint = match described {
            Some(described) => described.words(),
            None if value.is_none() => "A text; for anything else edit it as YAML.".to_owned(),
            None => String::new(),
        };
        let keys: Vec<String> = ["spec".to_owned()].into_iter().chain(keys.iter().cloned()).collect();
        self.form.items.push(Item::Field(Field {
            id: format!("field-{}", self.fields),
            pointer: keys.iter().fold(String::new(), |all, key| all + "/" + &key.replace('~', "~0").replace('/', "~1")),
            label: keys.last().cloned().unwrap_or_default(),
            hint,
            required,
            text: input.shown(value),
            input,
            declared: value.cloned(),
            removed: false,
            faults: Vec::new(),
            keys,
        }));
    }
}
