//! The tree that a condition parses to.

use super::function::Function;
use super::path::FieldPath;

/// A constant of a query (protocol reference 6.2).
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `undefined`: equal to nothing, not even to itself.
    Undefined,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number; the language has doubles only.
    Number(f64),
    /// `'text'` or `"text"`, escapes resolved.
    Text(String),
    /// `[a, b]`; only functions can look inside.
    List(Vec<Self>),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
}

impl Comparison {
    pub(super) const ALL: [(&'static str, Self); 7] = [
        ("=", Self::Equal),
        ("!=", Self::NotEqual),
        ("<>", Self::NotEqual),
        ("<", Self::Less),
        (">", Self::Greater),
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
    ];
}

/// An arithmetic operator; `*`, `/` and `%` bind tighter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Arithmetic {
    pub(super) const SUMS: [(&'static str, Self); 2] = [("+", Self::Add), ("-", Self::Subtract)];
    pub(super) const PRODUCTS: [(&'static str, Self); 3] =
        [("*", Self::Multiply), ("/", Self::Divide), ("%", Self::Remainder)];
}

/// A node of a condition.
///
/// Chains are flat (`a AND b AND c` is one node), so that only parentheses, `NOT` and calls nest, and those are
/// counted by the parser: the tree is never deep enough to exhaust a stack.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Literal(Literal),
    Path(FieldPath),
    Call(Function, Vec<Self>),
    /// Operators of one precedence, from left to right.
    Chain(Box<Self>, Vec<(Arithmetic, Self)>),
    Compare(Box<Self>, Comparison, Box<Self>),
    In {
        value: Box<Self>,
        list: Vec<Literal>,
        negated: bool,
    },
    Not(Box<Self>),
    /// At least two.
    And(Vec<Self>),
    /// At least two.
    Or(Vec<Self>),
}

impl Expr {
    /// Whether this may stand as a condition.
    pub(super) fn is_condition(&self) -> bool {
        match self {
            Self::Compare(..) | Self::In { .. } | Self::Not(_) | Self::And(_) | Self::Or(_) => true,
            Self::Call(function, _) => function.is_predicate(),
            Self::Literal(_) | Self::Path(_) | Self::Chain(..) => false,
        }
    }

    /// Whether this may stand where a value is wanted.
    pub(super) fn is_value(&self) -> bool {
        matches!(self, Self::Literal(_) | Self::Path(_) | Self::Chain(..) | Self::Call(..))
    }

    /// Whether this is a chain of sums, which needs parentheses inside a product.
    pub(super) fn is_chain(&self) -> bool {
        matches!(self, Self::Chain(..))
    }

    pub(super) fn children(&self) -> Vec<&Self> {
        match self {
            Self::Literal(_) | Self::Path(_) => Vec::new(),
            Self::Call(_, many) | Self::And(many) | Self::Or(many) => many.iter().collect(),
            Self::Chain(first, rest) => {
                std::iter::once(first.as_ref()).chain(rest.iter().map(|(_, next)| next)).collect()
            }
            Self::Compare(left, _, right) => vec![left, right],
            Self::In { value, .. } => vec![value],
            Self::Not(inner) => vec![inner],
        }
    }
}
