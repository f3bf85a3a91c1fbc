//! A condition in terms that a database can be asked for.

use super::ast::{Comparison, Expr, Literal};
use super::condition::Condition;
use super::function::Function;
use super::path::FieldPath;

/// Simple tests that every document which a [`Condition`] selects passes. Others may pass as well, but only where
/// there is a [`Sieve::Anything`] in it; without one, exactly the selected documents pass.
///
/// Undefined outcomes are gone: `NOT` has become the opposite of each test, and a test is passed or not.
#[derive(Debug, Clone, PartialEq)]
pub enum Sieve {
    /// No simple test: every document passes.
    Anything,
    /// All of these; every document passes none at all.
    All(Vec<Self>),
    /// One of these; no document passes none at all.
    Any(Vec<Self>),
    /// The value at the path stands in this relation to a text, number, boolean or `null`; it has the same type then.
    Compare(FieldPath, Relation, Literal),
    /// The value at the path is of one of these types.
    Typed(FieldPath, Vec<JsonType>),
    /// The value at the path is a text that begins with this one, or with false one that does not.
    Begins(FieldPath, String, bool),
}

/// How a value stands to a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The same.
    Equal,
    /// Of the same type, but another one.
    NotEqual,
    /// Before it.
    Less,
    /// After it.
    Greater,
    /// Before it, or the same.
    LessOrEqual,
    /// After it, or the same.
    GreaterOrEqual,
}

/// What can be at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonType {
    /// Nothing.
    Undefined,
    /// `null`.
    Null,
    /// A boolean.
    Bool,
    /// A number.
    Number,
    /// A text.
    Text,
    /// An object.
    Object,
    /// An array.
    Array,
}

impl JsonType {
    const ALL: [Self; 7] =
        [Self::Undefined, Self::Null, Self::Bool, Self::Number, Self::Text, Self::Object, Self::Array];
}

impl Relation {
    const fn of(comparison: Comparison) -> Self {
        match comparison {
            Comparison::Equal => Self::Equal,
            Comparison::NotEqual => Self::NotEqual,
            Comparison::Less => Self::Less,
            Comparison::Greater => Self::Greater,
            Comparison::LessOrEqual => Self::LessOrEqual,
            Comparison::GreaterOrEqual => Self::GreaterOrEqual,
        }
    }

    /// What holds between values of one type when this does not.
    const fn opposite(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::GreaterOrEqual,
            Self::Greater => Self::LessOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::GreaterOrEqual => Self::Less,
        }
    }

    /// With the sides exchanged.
    const fn turned(self) -> Self {
        match self {
            Self::Equal | Self::NotEqual => self,
            Self::Less => Self::Greater,
            Self::Greater => Self::Less,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }
}

impl Condition {
    /// The condition as simple tests, for a store that can evaluate them. Where the sieve is not exact, documents that
    /// pass still have to go through [`Condition::matches`].
    pub fn sieve(&self) -> Sieve {
        sieve(self.expr(), true)
    }
}

/// What passes every document for which `expr` is true, or false if that is `wanted`.
fn sieve(expr: &Expr, wanted: bool) -> Sieve {
    let each = |terms: &[Expr]| terms.iter().map(|term| sieve(term, wanted)).collect();
    match expr {
        Expr::And(terms) if wanted => Sieve::All(each(terms)),
        Expr::Or(terms) if !wanted => Sieve::All(each(terms)),
        Expr::And(terms) | Expr::Or(terms) => Sieve::Any(each(terms)),
        Expr::Not(inner) => sieve(inner, !wanted),
        Expr::Compare(left, comparison, right) => {
            let relation = Relation::of(*comparison);
            match (&**left, &**right) {
                (Expr::Path(path), Expr::Literal(literal)) => compare(path, relation, literal, wanted),
                (Expr::Literal(literal), Expr::Path(path)) => compare(path, relation.turned(), literal, wanted),
                _ => Sieve::Anything,
            }
        }
        Expr::In { value, list, negated } => match &**value {
            Expr::Path(path) => {
                let among = wanted != *negated;
                let tests = list.iter().map(|literal| compare(path, Relation::Equal, literal, among)).collect();
                if among { Sieve::Any(tests) } else { Sieve::All(tests) }
            }
            _ => Sieve::Anything,
        },
        Expr::Call(function, arguments) => call(*function, arguments, wanted),
        Expr::Literal(_) | Expr::Path(_) | Expr::Chain(..) => Sieve::Anything,
    }
}

fn compare(path: &FieldPath, relation: Relation, literal: &Literal, wanted: bool) -> Sieve {
    let equality = matches!(relation, Relation::Equal | Relation::NotEqual);
    let relation = if wanted { relation } else { relation.opposite() };
    match literal {
        Literal::Text(_) | Literal::Number(_) => {}
        // Nulls and booleans have no order, and all nulls are the same.
        Literal::Bool(_) if equality => {}
        Literal::Null if relation == Relation::Equal => {}
        // Neither true nor false, whatever is there.
        _ => return Sieve::Any(Vec::new()),
    }
    Sieve::Compare(path.clone(), relation, literal.clone())
}

fn call(function: Function, arguments: &[Expr], wanted: bool) -> Sieve {
    let types: &[JsonType] = match (function, arguments) {
        (Function::StartsWith, [Expr::Path(path), Expr::Literal(Literal::Text(text))]) => {
            return Sieve::Begins(path.clone(), text.clone(), wanted);
        }
        (Function::IsDefined, [_]) => &JsonType::ALL[1..],
        (Function::IsNull, [_]) => &[JsonType::Null],
        (Function::IsBool, [_]) => &[JsonType::Bool],
        (Function::IsNumber, [_]) => &[JsonType::Number],
        (Function::IsString, [_]) => &[JsonType::Text],
        (Function::IsObject, [_]) => &[JsonType::Object],
        (Function::IsArray, [_]) => &[JsonType::Array],
        (Function::IsPrimitive, [_]) => &JsonType::ALL[1..5],
        _ => return Sieve::Anything,
    };
    let [Expr::Path(path)] = arguments else { return Sieve::Anything };
    let types = JsonType::ALL.into_iter().filter(|kind| types.contains(kind) == wanted).collect();
    Sieve::Typed(path.clone(), types)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Sieve {
        Condition::parse(text).unwrap().sieve()
    }

    #[test]
    fn negation_turns_tests_around_and_leaves_undefined_ones_out() {
        assert_eq!(of("NOT (tags.a = 'x' AND tags.b < 3)"), of("tags.a != 'x' OR tags.b >= 3"));
        assert_eq!(of("tags.a NIN ['x', 1]"), of("tags.a != 'x' AND tags.a != 1"));
        assert_eq!(of("3 > tags.b"), of("tags.b < 3"));
        assert_eq!(of("tags.a != null"), Sieve::Any(Vec::new()));
        assert_eq!(of("tags.a < true"), Sieve::Any(Vec::new()));
        assert_eq!(of("tags.a + 1 = 2"), Sieve::Anything);
        let path = FieldPath::parse("tags.a").unwrap();
        assert_eq!(of("NOT IS_DEFINED(tags.a)"), Sieve::Typed(path, vec![JsonType::Undefined]));
    }
}
