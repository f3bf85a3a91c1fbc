//! JSON pointers (RFC 6901) into documents.

use crate::{
    fleet::{DocumentRef, Place, yaml::escape},
    twin::Section,
};

/// The pointer to a section of a document's spec.
pub(super) const fn section(section: Section) -> &'static str {
    match section {
        Section::Tags => "/spec/tags",
        Section::Desired | Section::Reported => "/spec/desired",
    }
}

/// The pointer to a value of a section.
pub(super) fn value<K: AsRef<str>>(within: Section, keys: &[K]) -> String {
    keys.iter().fold(section(within).to_owned(), |way, key| way + "/" + &escape(key.as_ref()))
}

/// The place of a value in a document.
pub(super) fn place(document: &DocumentRef, pointer: impl Into<String>) -> Place {
    Place::value(&document.file, document.document, pointer)
}

/// The pointer to a variable of the Fleet document.
pub(super) fn variable(name: &str) -> String {
    format!("/spec/vars/{}", escape(name))
}
