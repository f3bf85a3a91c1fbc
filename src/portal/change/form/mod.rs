//! A document as a form, made from the JSON Schemas of its kind and of its components, and the form as changes again.
//!
//! `described` reads schemas, `input` is one value as text, `build` puts fields together. The form shows what is declared
//! and what somebody has chosen to add; whatever has no place in a form is shown, and edited as YAML.

mod build;
mod described;
mod input;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

pub(in crate::portal) use build::{build, chosen};
pub(in crate::portal) use input::Input;

use super::document::Document;
use crate::fleet::{
    Finding, Place, Target,
    edit::{Changes, Editor},
};

/// How the name of a value's input begins, and that of the box that takes it out. Pointers follow.
const VALUE: &str = "v";
const REMOVE: &str = "r";

/// A document as a form.
#[derive(Debug, Default)]
pub(in crate::portal) struct Form {
    /// Groups open and close around the fields, in order.
    pub(in crate::portal) items: Vec<Item>,
    /// What could be added, by dotted path.
    pub(in crate::portal) choices: Vec<String>,
    /// Values that there was no room for.
    pub(in crate::portal) left_out: usize,
}

/// Part of a form.
#[derive(Debug)]
pub(in crate::portal) enum Item {
    Open { label: String, hint: String },
    Field(Field),
    Close,
}

/// One value.
#[derive(Debug)]
pub(in crate::portal) struct Field {
    /// Unique on its page.
    pub(in crate::portal) id: String,
    /// JSON pointer in the document.
    pub(in crate::portal) pointer: String,
    pub(in crate::portal) label: String,
    pub(in crate::portal) hint: String,
    pub(in crate::portal) required: bool,
    pub(in crate::portal) input: Input,
    /// What the document says; `None` for what is to be added.
    pub(in crate::portal) declared: Option<Value>,
    /// What the input shows.
    pub(in crate::portal) text: String,
    /// It is to be taken out.
    pub(in crate::portal) removed: bool,
    /// What is wrong with it.
    pub(in crate::portal) faults: Vec<String>,
    keys: Vec<String>,
}

/// Something wrong, and the field that has it.
#[derive(Debug)]
pub(in crate::portal) struct Fault {
    pub(in crate::portal) message: String,
    pub(in crate::portal) help: String,
    /// The id of the field.
    pub(in crate::portal) at: Option<String>,
}

impl Field {
    /// The name of its input.
    pub(in crate::portal) fn name(&self) -> String {
        format!("{VALUE}{}", self.pointer)
    }

    /// The name of the box that takes it out.
    pub(in crate::portal) fn remove_name(&self) -> String {
        format!("{REMOVE}{}", self.pointer)
    }

    /// Whether an option of its choice is the one that is shown.
    pub(in crate::portal) fn is_chosen(&self, option: &Value) -> bool {
        self.input.shown(Some(option)) == self.text
    }

    /// What somebody wants of it; `None` when it stays as it is.
    fn wish(&self) -> Option<Wish> {
        if self.removed {
            return self.declared.is_some().then_some(Wish::Remove);
        }
        let before = self.input.shown(self.declared.as_ref());
        let is_same = input::with_newlines(&before) == input::with_newlines(&self.text);
        (!is_same && self.input != Input::Fixed).then(|| Wish::Set(self.input.read(&self.text)))
    }
}

enum Wish {
    Set(Value),
    Remove,
}

impl Form {
    /// All fields.
    #[cfg(test)]
    fn fields(&self) -> impl Iterator<Item = &Field> {
        self.items.iter().filter_map(|item| match item {
            Item::Field(field) => Some(field),
            Item::Open { .. } | Item::Close => None,
        })
    }

    fn fields_mut(&mut self) -> impl Iterator<Item = &mut Field> {
        self.items.iter_mut().filter_map(|item| match item {
            Item::Field(field) => Some(field),
            Item::Open { .. } | Item::Close => None,
        })
    }

    /// Fills in what a browser sends; a field that it did not send stays as it is.
    pub(in crate::portal) fn fill(&mut self, sent: &[(String, String)]) {
        let sent: BTreeMap<&str, &str> = sent.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        for field in self.fields_mut() {
            if let Some(text) = sent.get(field.name().as_str()) {
                (*text).clone_into(&mut field.text);
            }
            field.removed = sent.contains_key(field.remove_name().as_str());
        }
    }

    /// The text of the file with what the form says; `None` when it says nothing new. A value that cannot be changed where
    /// it stands is a fault of its field.
    pub(in crate::portal) fn text(&mut self, document: &Document) -> Result<Option<String>, Vec<Fault>> {
        let file = document.source();
        let editor = Editor::new(&file);
        let (mut all, mut count, mut faults) = (Changes::default(), 0_usize, Vec::new());
        for field in self.fields_mut() {
            let Some(wish) = field.wish() else { continue };
            let put = |changes: &mut Changes| match &wish {
                Wish::Set(value) => changes.write(&field.keys, value),
                Wish::Remove => changes.remove(&field.keys),
            };
            let mut one = Changes::default();
            put(&mut one);
            put(&mut all);
            count += 1;
            if let Err(why) = editor.check(document.number, &one) {
                let message = format!("{} cannot be changed here: {why}", field.label);
                field.faults.push(message.clone());
                faults.push(Fault { message, help: "edit it as YAML".to_owned(), at: Some(field.id.clone()) });
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        if count == 0 {
            return Ok(None);
        }
        let text = editor.changed(&BTreeMap::from([(document.number, all)]));
        text.map(Some).map_err(|why| {
            let message = format!("these changes cannot be made together: {why}");
            vec![Fault { message, help: "edit it as YAML".to_owned(), at: None }]
        })
    }

    /// Puts findings beside the fields that they are about.
    pub(in crate::portal) fn blame(&mut self, document: &Document, findings: &[Finding]) -> Vec<Fault> {
        findings.iter().map(|finding| self.blame_one(document, finding)).collect()
    }

    fn blame_one(&mut self, document: &Document, finding: &Finding) -> Fault {
        let here = |place: &&Place| place.file == document.file && place.document == document.number;
        let pointer = finding.place.as_ref().filter(here).and_then(|place| match &place.target {
            Target::Value(pointer) | Target::Key(pointer) | Target::Part { pointer, .. } => Some(pointer.as_str()),
            Target::Bytes { .. } => None,
        });
        let holds = |field: &&mut Field| {
            pointer.is_some_and(|pointer| {
                pointer
                    .strip_prefix(field.pointer.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        let at = self.fields_mut().find(holds).map(|field| {
            field.faults.push(finding.message.clone());
            field.id.clone()
        });
        Fault { message: finding.message.clone(), help: finding.help.clone().unwrap_or_default(), at }
    }
}
