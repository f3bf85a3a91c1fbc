//! The forms in which each component occurs, held once however many devices have them.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use super::names::{Names, fingerprint, number};
use crate::twin::{Map, leaves, set_path};

/// The number of the form of a component that a device does not have.
pub(super) const ABSENT: u32 = 0;

/// What a component is on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// Not there.
    Absent,
    /// Not judged yet, or left out: nothing of it is declared, and nothing that would change it.
    Left,
    /// To be declared: numbers of paths and of values, sorted by path.
    Declared(Box<[(u32, u32)]>),
}

/// One component of the fleet.
#[derive(Debug)]
pub(super) struct Component {
    /// The keys that lead to it below `desired`.
    pub(super) keys: Vec<Arc<str>>,
    /// Forms by the text that a hub sent, so that most are not read twice.
    raw: HashMap<u128, u32>,
    /// Forms by their canonical text.
    canonical: HashMap<u128, u32>,
    pub(super) forms: Vec<Form>,
    /// How many devices have each form.
    pub(super) devices: Vec<u32>,
}

/// All components, and the paths and values that their forms are made of.
#[derive(Debug, Default)]
pub(super) struct Forms {
    names: Names<str>,
    pub(super) components: Vec<Component>,
    /// Keys below `desired`.
    pub(super) paths: Names<[Arc<str>]>,
    /// JSON texts, as a document writes them.
    values: Names<str>,
}

impl Forms {
    /// The number of the component at these keys.
    pub(super) fn component(&mut self, keys: &[Arc<str>]) -> u32 {
        let id = self.names.id(&keys.join("."));
        if self.components.len() < self.names.len() {
            self.components.push(Component {
                keys: keys.to_vec(),
                raw: HashMap::new(),
                canonical: HashMap::new(),
                forms: vec![Form::Absent],
                devices: vec![0],
            });
        }
        id
    }

    /// The component's dotted name.
    pub(super) fn name(&self, component: u32) -> &str {
        self.names.get(component)
    }

    /// A form known by the text that a hub sent.
    pub(super) fn known(&self, component: u32, raw: u128) -> Option<u32> {
        self.components[component as usize].raw.get(&raw).copied()
    }

    /// The form of a value, and whether it is new: to be judged. `None` is the value of a component that is absent.
    pub(super) fn form(&mut self, component: u32, raw: Option<u128>, value: Option<&Value>) -> (u32, bool) {
        let component = &mut self.components[component as usize];
        let Some(value) = value else {
            raw.map(|raw| component.raw.insert(raw, ABSENT));
            return (ABSENT, false);
        };
        let fresh = number(component.forms.len());
        let form = *component.canonical.entry(fingerprint(&value.to_string())).or_insert(fresh);
        raw.map(|raw| component.raw.insert(raw, form));
        if form == fresh {
            component.forms.push(Form::Left);
            component.devices.push(0);
        }
        (form, form == fresh)
    }

    /// Counts a device.
    pub(super) fn count(&mut self, component: u32, form: u32) {
        self.components[component as usize].devices[form as usize] += 1;
    }

    /// Keeps what is to be declared of a form. Texts in `value` are as a document writes them.
    pub(super) fn declare(&mut self, component: u32, form: u32, value: Value) {
        let mut section = Map::new();
        set_path(&mut section, &self.components[component as usize].keys, value);
        let mut found: Vec<(u32, u32)> = leaves(&section)
            .into_iter()
            .map(|leaf| (self.paths.id(&leaf.keys), self.values.id(&leaf.value.to_string())))
            .collect();
        found.sort_unstable();
        self.components[component as usize].forms[form as usize] = Form::Declared(found.into());
    }

    /// The number of a value.
    pub(super) fn value_id(&mut self, value: &Value) -> u32 {
        self.values.id(&value.to_string())
    }

    /// How long a value is as text, in bytes.
    pub(super) fn length(&self, value: u32) -> usize {
        self.values.get(value).len()
    }

    /// Whether a value is an object without members.
    pub(super) fn is_empty_object(&self, value: u32) -> bool {
        &**self.values.get(value) == "{}"
    }

    /// A value, to be written.
    pub(super) fn value(&self, value: u32) -> Value {
        serde_json::from_str(self.values.get(value)).unwrap_or(Value::Null)
    }
}
