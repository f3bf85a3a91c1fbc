//! Values at evaluation, and where they come from.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::ast::{Comparison, Literal};
use super::path::FieldPath;
use super::truth::Truth;

/// The value at a path of some document, borrowed from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Operand<'a> {
    /// Nothing is there.
    Undefined,
    /// JSON `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number; twins hold nothing that a double cannot (protocol reference 5.5).
    Number(f64),
    /// A text.
    Text(&'a str),
    /// An object or array, which only functions can look into.
    Composite(&'a Value),
}

impl<'a> From<&'a Value> for Operand<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => number.as_f64().map_or(Self::Undefined, Self::Number),
            Value::String(text) => Self::Text(text),
            Value::Array(_) | Value::Object(_) => Self::Composite(value),
        }
    }
}

impl Operand<'_> {
    /// As JSON, whole numbers without a fraction; nothing for an undefined one.
    pub fn to_json(self) -> Option<Value> {
        match self {
            Self::Undefined => None,
            Self::Null => Some(Value::Null),
            Self::Bool(value) => Some(Value::Bool(value)),
            Self::Number(value) => Some(number(value)),
            Self::Text(text) => Some(Value::from(text)),
            Self::Composite(value) => Some(value.clone()),
        }
    }
}

/// A double as the JSON number a reader expects: `3`, not `3.0`.
pub(super) fn number(value: f64) -> Value {
    /// Up to here every whole number is exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
        return Value::from(value as i64);
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// A document that a query can look into: a twin, or a row of a job.
pub trait Fields {
    /// The value at a path, [`Operand::Undefined`] when there is none.
    fn field(&self, path: &FieldPath) -> Operand<'_>;

    /// The value at a path for a row of the answer; override it where numbers keep a text form of their own.
    fn json(&self, path: &FieldPath) -> Option<Value> {
        self.field(path).to_json()
    }
}

impl<F: Fields + ?Sized> Fields for &F {
    fn field(&self, path: &FieldPath) -> Operand<'_> {
        (**self).field(path)
    }

    fn json(&self, path: &FieldPath) -> Option<Value> {
        (**self).json(path)
    }
}

/// A twin document as the service shows it (protocol reference 5.1), or a row of a job (9.1).
impl Fields for Value {
    fn field(&self, path: &FieldPath) -> Operand<'_> {
        at(self, path).map_or(Operand::Undefined, Operand::from)
    }

    fn json(&self, path: &FieldPath) -> Option<Value> {
        at(self, path).cloned()
    }
}

fn at<'v>(document: &'v Value, path: &FieldPath) -> Option<&'v Value> {
    path.segments().try_fold(document, |value, segment| value.as_object()?.get(segment))
}

/// A value while a condition is evaluated: an operand, or what a function made.
#[derive(Debug, Clone)]
pub(super) enum Computed<'a> {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
    Composite(&'a Value),
    List(&'a [Literal]),
}

impl<'a> From<Operand<'a>> for Computed<'a> {
    fn from(operand: Operand<'a>) -> Self {
        match operand {
            Operand::Undefined => Self::Undefined,
            Operand::Null => Self::Null,
            Operand::Bool(value) => Self::Bool(value),
            Operand::Number(value) => Self::Number(value),
            Operand::Text(text) => Self::Text(Cow::Borrowed(text)),
            Operand::Composite(value) => Self::Composite(value),
        }
    }
}

impl<'a> From<&'a Literal> for Computed<'a> {
    fn from(literal: &'a Literal) -> Self {
        match literal {
            Literal::Undefined => Self::Undefined,
            Literal::Null => Self::Null,
            Literal::Bool(value) => Self::Bool(*value),
            Literal::Number(value) => Self::Number(*value),
            Literal::Text(text) => Self::Text(Cow::Borrowed(text)),
            Literal::List(items) => Self::List(items),
        }
    }
}

impl From<Truth> for Computed<'_> {
    fn from(truth: Truth) -> Self {
        match truth {
            Truth::True => Self::Bool(true),
            Truth::False => Self::Bool(false),
            Truth::Undefined => Self::Undefined,
        }
    }
}

impl Computed<'_> {
    /// Compares two primitives of one type; everything else is undefined (protocol reference 6.2).
    pub(super) fn compare(&self, comparison: Comparison, other: &Self) -> Truth {
        let equality_only = matches!(self, Self::Null | Self::Bool(_));
        let ordering = match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Bool(left), Self::Bool(right)) => left.cmp(right),
            (Self::Number(left), Self::Number(right)) => match left.partial_cmp(right) {
                Some(ordering) => ordering,
                None => return Truth::Undefined,
            },
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            _ => return Truth::Undefined,
        };
        match comparison {
            Comparison::Equal => (ordering == Ordering::Equal).into(),
            Comparison::NotEqual => (ordering != Ordering::Equal).into(),
            _ if equality_only => Truth::Undefined,
            Comparison::Less => (ordering == Ordering::Less).into(),
            Comparison::Greater => (ordering == Ordering::Greater).into(),
            Comparison::LessOrEqual => (ordering != Ordering::Greater).into(),
            Comparison::GreaterOrEqual => (ordering != Ordering::Less).into(),
        }
    }
}
