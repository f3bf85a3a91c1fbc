//! What is wrong in a fleet repository, how bad, where, and what to do about it.

use std::sync::Arc;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing stops.
    Warning,
    /// Nothing is planned or applied until it is mended.
    Error,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id, in kebab case: `unknown-property`, `equal-priority-conflict`.
    pub rule: &'static str,
    /// Whether it stops a plan.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where; `None` when the fault is of the repository as a whole.
    pub place: Option<Place>,
    /// A few words for the caret's label, e.g. `expected an integer`.
    pub label: Option<String>,
    /// Other places that have to do with it, each with a few words: `also set here`.
    pub related: Vec<(Place, String)>,
    /// What to do about it, e.g. a name that was probably meant.
    pub help: Option<String>,
    /// The lines it is about hold a secret: reports name the place and never show the source.
    pub hide_source: bool,
}

/// A spot in a document, named by path; `locate` finds its line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Path of the file, relative to the fleet's root, with `/`.
    pub file: Arc<str>,
    /// Which document of the file, from 0.
    pub document: usize,
    /// What in it.
    pub target: Target,
}

/// What a place names inside its document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The value at this JSON pointer (RFC 6901); `""` is the whole document.
    Value(String),
    /// The key that the last step of this pointer names.
    Key(String),
    /// Some bytes of the text (as decoded) at this pointer: a word of a condition, say.
    Part {
        /// JSON pointer of the text.
        pointer: String,
        /// The first byte.
        from: usize,
        /// The byte after the last.
        to: usize,
    },
    /// Bytes of the file, for text that is no document yet.
    Bytes {
        /// The first byte.
        from: usize,
        /// The byte after the last.
        to: usize,
    },
}

impl Place {
    /// The value at `pointer`.
    pub fn value(file: &Arc<str>, document: usize, pointer: impl Into<String>) -> Self {
        Self { file: file.clone(), document, target: Target::Value(pointer.into()) }
    }

    /// The key that `pointer` ends with.
    pub fn key(file: &Arc<str>, document: usize, pointer: impl Into<String>) -> Self {
        Self { file: file.clone(), document, target: Target::Key(pointer.into()) }
    }

    /// The key of a value, where the place is one.
    #[must_use]
    pub fn to_key(self) -> Self {
        match self.target {
            Target::Value(pointer) => Self { target: Target::Key(pointer), ..self },
            _ => self,
        }
    }
}

impl Finding {
    /// A finding that stops a plan.
    pub fn error(rule: &'static str, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: Severity::Error,
            message: message.into(),
            place: None,
            label: None,
            related: Vec::new(),
            help: None,
            hide_source: false,
        }
    }

    /// A finding that does not.
    pub fn warning(rule: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(rule, message) }
    }

    /// At this place.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }

    /// With these words at the caret.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// Together with this other place.
    #[must_use]
    pub fn with(mut self, place: Place, words: impl Into<String>) -> Self {
        self.related.push((place, words.into()));
        self
    }

    /// About lines that hold a secret and must not be shown.
    #[must_use]
    pub fn hidden(self) -> Self {
        Self { hide_source: true, ..self }
    }

    /// With advice.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}
