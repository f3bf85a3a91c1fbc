//! Whether a document passes a sieve.

use super::ast::Comparison;
use super::path::FieldPath;
use super::sieve::{JsonType, Relation, Sieve};
use super::truth::Truth;
use super::value::{Computed, Fields, Operand};

/// A document whose values are there only as long as a test lasts.
pub trait Tested {
    /// Whether the value at `path` passes a test; it is [`Operand::Undefined`] when nothing is there.
    fn test(&self, path: &FieldPath, test: &mut dyn FnMut(Operand<'_>) -> bool) -> bool;
}

impl<F: Fields> Tested for F {
    fn test(&self, path: &FieldPath, test: &mut dyn FnMut(Operand<'_>) -> bool) -> bool {
        test(self.field(path))
    }
}

impl Sieve {
    /// Whether a document passes.
    pub fn passes(&self, document: &impl Tested) -> bool {
        match self {
            Self::Anything => true,
            Self::All(parts) => parts.iter().all(|part| part.passes(document)),
            Self::Any(parts) => parts.iter().any(|part| part.passes(document)),
            Self::Compare(path, relation, literal) => document.test(path, &mut |found| {
                Computed::from(found).compare(relation.comparison(), &literal.into()) == Truth::True
            }),
            Self::Typed(path, types) => document.test(path, &mut |found| types.contains(&JsonType::of(found))),
            Self::Begins(path, text, wanted) => document.test(
                path,
                &mut |found| matches!(found, Operand::Text(found) if found.starts_with(text.as_str()) == *wanted),
            ),
        }
    }

    /// The tests that every document has to pass, each for itself.
    pub fn conjuncts(&self) -> Vec<&Self> {
        match self {
            Self::All(parts) => parts.iter().flat_map(Self::conjuncts).collect(),
            other => vec![other],
        }
    }

    /// With tests at paths that are `known` alone, and whether that is still the same sieve and an exact one.
    #[must_use]
    pub fn narrowed(&self, known: &impl Fn(&FieldPath) -> bool) -> (Self, bool) {
        let each = |parts: &[Self]| parts.iter().map(|part| part.narrowed(known)).unzip::<_, _, Vec<_>, Vec<_>>();
        match self {
            Self::Anything => (Self::Anything, false),
            Self::All(parts) => {
                let (mut parts, exact) = each(parts);
                parts.retain(|part| *part != Self::Anything);
                (Self::All(parts), exact.into_iter().all(|exact| exact))
            }
            Self::Any(parts) => {
                let (parts, exact) = each(parts);
                let any = if parts.contains(&Self::Anything) { Self::Anything } else { Self::Any(parts) };
                (any, exact.into_iter().all(|exact| exact))
            }
            Self::Compare(path, ..) | Self::Typed(path, _) | Self::Begins(path, ..) if !known(path) => {
                (Self::Anything, false)
            }
            test => (test.clone(), true),
        }
    }

    /// Every path that is tested, as often as it is.
    pub fn paths(&self) -> Vec<&FieldPath> {
        match self {
            Self::Anything => Vec::new(),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::paths).collect(),
            Self::Compare(path, ..) | Self::Typed(path, _) | Self::Begins(path, ..) => vec![path],
        }
    }
}

impl Relation {
    const fn comparison(self) -> Comparison {
        match self {
            Self::Equal => Comparison::Equal,
            Self::NotEqual => Comparison::NotEqual,
            Self::Less => Comparison::Less,
            Self::Greater => Comparison::Greater,
            Self::LessOrEqual => Comparison::LessOrEqual,
            Self::GreaterOrEqual => Comparison::GreaterOrEqual,
        }
    }
}

impl JsonType {
    const fn of(operand: Operand<'_>) -> Self {
        match operand {
            Operand::Undefined => Self::Undefined,
            Operand::Null => Self::Null,
            Operand::Bool(_) => Self::Bool,
            Operand::Number(_) => Self::Number,
            Operand::Text(_) => Self::Text,
            Operand::Composite(serde_json::Value::Array(_)) => Self::Array,
            Operand::Composite(_) => Self::Object,
        }
    }
}
