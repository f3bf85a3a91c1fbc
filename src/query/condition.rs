//! What follows `WHERE`: a rule that selects twins.

use std::fmt;
use std::str::FromStr;

use super::ast::{Comparison, Expr, Literal};
use super::error::{Doubt, QueryError};
use super::path::FieldPath;
use super::truth::Truth;
use super::value::Fields;
use super::{eval, parse};

/// A condition over a twin (protocol reference 6.2): the `where` of a profile or a rollout, the target of a
/// configuration or a job, the `WHERE` part of a query.
///
/// Two conditions are equal when they mean the same tree, however they were written.
#[derive(Debug, Clone)]
pub struct Condition {
    text: Box<str>,
    expr: Expr,
    doubts: Vec<Doubt>,
}

/// A term that every selected document satisfies: the value at `path` is one of `any_of`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Equality<'c> {
    /// Where.
    pub path: &'c FieldPath,
    /// The values, at least one.
    pub any_of: &'c [Literal],
}

impl Condition {
    /// Reads a condition. `*`, which some places of the protocol take for "all", is not one.
    ///
    /// # Errors
    ///
    /// When the text is not a condition of IoT Hub's query language, with the place and what was expected there.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let (expr, doubts) = parse::condition(text)?;
        Ok(Self::new(text, expr, doubts))
    }

    pub(super) fn new(text: &str, expr: Expr, doubts: Vec<Doubt>) -> Self {
        Self { text: text.into(), expr, doubts }
    }

    pub(super) fn expr(&self) -> &Expr {
        &self.expr
    }

    /// The condition as it was written; [`Display`](fmt::Display) gives the canonical text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the condition is true for a document; an undefined outcome does not select (protocol reference 6.2).
    pub fn matches(&self, fields: &impl Fields) -> bool {
        eval::truth(&self.expr, fields) == Truth::True
    }

    /// What parses but probably does not mean what its writer thinks.
    pub fn doubts(&self) -> &[Doubt] {
        &self.doubts
    }

    /// Every path of the condition, as often as it stands there: these decide who is selected.
    pub fn paths(&self) -> impl Iterator<Item = &FieldPath> {
        let mut waiting = vec![&self.expr];
        std::iter::from_fn(move || {
            loop {
                let expr = waiting.pop()?;
                if let Expr::Path(path) = expr {
                    return Some(path);
                }
                waiting.extend(expr.children().into_iter().rev());
            }
        })
    }

    /// The `path = literal` and `path IN [literal, …]` terms that every selected document satisfies, so that a store
    /// can use an index. Documents found that way still have to go through [`Condition::matches`].
    pub fn equalities(&self) -> impl Iterator<Item = Equality<'_>> {
        let mut waiting = vec![&self.expr];
        std::iter::from_fn(move || {
            loop {
                match waiting.pop()? {
                    Expr::And(terms) => waiting.extend(terms.iter().rev()),
                    term => {
                        if let Some(equality) = equality(term) {
                            return Some(equality);
                        }
                    }
                }
            }
        })
    }
}

fn equality(term: &Expr) -> Option<Equality<'_>> {
    match term {
        Expr::Compare(left, Comparison::Equal, right) => match (&**left, &**right) {
            (Expr::Path(path), Expr::Literal(literal)) | (Expr::Literal(literal), Expr::Path(path)) => {
                Some(Equality { path, any_of: std::slice::from_ref(literal) })
            }
            _ => None,
        },
        Expr::In { value, list, negated: false } => match &**value {
            Expr::Path(path) => Some(Equality { path, any_of: list }),
            _ => None,
        },
        _ => None,
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.expr == other.expr
    }
}

impl FromStr for Condition {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        Self::parse(text)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}
