//! One value as the text of an input, and back. What a person did not touch comes back as the same text, and so is no
//! change; whatever else comes back becomes a value, and the fleet's own rules say whether it is a good one.

use serde_json::{Number, Value};

use super::described::Described;

/// How a value is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::portal) enum Input {
    /// One line.
    Line,
    /// Several lines.
    Text,
    /// A number; or `${…}`.
    Number,
    /// One of these.
    Choice(Vec<Value>),
    /// A list with an item on each line.
    Items(Scalar),
    /// Shown, and edited as YAML only.
    Fixed,
}

/// What the items of a list are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::portal) enum Scalar {
    Text,
    Number,
    Boolean,
}

impl Input {
    /// For a value that is there; or, without one, for what its schema describes.
    pub(super) fn of(described: Option<Described<'_>>, value: Option<&Value>) -> Self {
        let kind = described.and_then(Described::kind);
        if let Some(options) = choices(described, kind) {
            return match value {
                Some(Value::Null | Value::Array(_) | Value::Object(_)) => Self::Fixed,
                Some(other) if !options.contains(other) => {
                    Self::Choice(options.into_iter().chain([other.clone()]).collect())
                }
                _ => Self::Choice(options),
            };
        }
        match (value, kind) {
            (Some(Value::String(text)), Some("number" | "integer")) if text.contains("${") && is_line(text) => {
                Self::Number
            }
            (Some(Value::String(text)), _) if is_line(text) => Self::Line,
            (Some(Value::String(text)), _) if is_text(text) => Self::Text,
            (Some(Value::Number(_)), _) | (None, Some("number" | "integer")) => Self::Number,
            (Some(Value::Bool(_)), _) => Self::Choice(vec![Value::Bool(true), Value::Bool(false)]),
            (Some(Value::Array(items)), _) => items_of(described, items).map_or(Self::Fixed, Self::Items),
            (None, Some("array")) => items_of(described, &[]).map_or(Self::Fixed, Self::Items),
            (None, None | Some("string")) => Self::Line,
            _ => Self::Fixed,
        }
    }

    /// The text that shows a value; empty for none.
    pub(super) fn shown(&self, value: Option<&Value>) -> String {
        match (self, value) {
            (_, None) => String::new(),
            (Self::Choice(_) | Self::Fixed, Some(value)) => value.to_string(),
            (Self::Items(_), Some(Value::Array(items))) => items.iter().map(plain).collect::<Vec<_>>().join("\n"),
            (_, Some(value)) => plain(value),
        }
    }

    /// The value of a text that somebody has written.
    pub(super) fn read(&self, text: &str) -> Value {
        let text = with_newlines(text);
        match self {
            Self::Number => number(&text),
            Self::Choice(options) => {
                options.iter().find(|option| option.to_string() == text).cloned().unwrap_or(Value::String(text))
            }
            Self::Items(scalar) => text.lines().filter(|line| !line.is_empty()).map(|line| scalar.read(line)).collect(),
            Self::Line | Self::Text | Self::Fixed => Value::String(text),
        }
    }
}

impl Scalar {
    fn read(self, text: &str) -> Value {
        match self {
            Self::Number => number(text),
            Self::Boolean => text.trim().parse().map_or_else(|_| Value::from(text), Value::Bool),
            Self::Text => Value::from(text),
        }
    }

    /// Whether an item comes back from its line.
    fn takes(self, item: &Value) -> bool {
        let text = plain(item);
        is_line(&text) && !text.is_empty() && !item.is_object() && !item.is_array() && self.read(&text) == *item
    }
}

/// Browsers send every end of a line as CR and LF.
pub(super) fn with_newlines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn choices(described: Option<Described<'_>>, kind: Option<&str>) -> Option<Vec<Value>> {
    let listed = described.and_then(Described::choices);
    listed.or_else(|| (kind == Some("boolean")).then(|| vec![Value::Bool(true), Value::Bool(false)]))
}

/// What all items are, if each fits on a line.
fn items_of(described: Option<Described<'_>>, items: &[Value]) -> Option<Scalar> {
    let item = described.and_then(Described::items);
    let scalar = match (item.and_then(Described::kind), items.first()) {
        (Some("string"), _) | (None, Some(Value::String(_)) | None) => Scalar::Text,
        (Some("number" | "integer"), _) | (None, Some(Value::Number(_))) => Scalar::Number,
        (Some("boolean"), _) | (None, Some(Value::Bool(_))) => Scalar::Boolean,
        _ => return None,
    };
    items.iter().all(|item| scalar.takes(item)).then_some(scalar)
}

/// A number, or the text as it is: a reference, or something that the rules will name.
fn number(text: &str) -> Value {
    let number = serde_json::from_str::<Number>(text.trim());
    number.map_or_else(|_| Value::from(text.trim()), Value::Number)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn is_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// Whether a browser gives the text back as it got it.
fn is_text(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t')
}
