//! From a condition and a document to a truth value.

use super::ast::{Arithmetic, Comparison, Expr, Literal};
use super::call::call;
use super::truth::Truth;
use super::value::{Computed, Fields};

/// The truth of a condition; a value that is not a boolean is undefined.
pub(super) fn truth<F: Fields>(expr: &Expr, fields: &F) -> Truth {
    match expr {
        Expr::And(terms) => Truth::all(terms.iter().map(|term| truth(term, fields))),
        Expr::Or(terms) => Truth::any(terms.iter().map(|term| truth(term, fields))),
        Expr::Not(inner) => !truth(inner, fields),
        Expr::Compare(left, comparison, right) => value(left, fields).compare(*comparison, &value(right, fields)),
        Expr::In { value: one, list, negated } => {
            let found = membership(&value(one, fields), list);
            if *negated { !found } else { found }
        }
        Expr::Literal(_) | Expr::Path(_) | Expr::Call(..) | Expr::Chain(..) => match value(expr, fields) {
            Computed::Bool(value) => value.into(),
            _ => Truth::Undefined,
        },
    }
}

/// `x IN [a, b]` is `x = a OR x = b`, undefined terms and all.
fn membership(one: &Computed<'_>, list: &[Literal]) -> Truth {
    Truth::any(list.iter().map(|item| one.compare(Comparison::Equal, &item.into())))
}

/// The value of an expression, borrowed from the document or the query where it can be.
fn value<'a, F: Fields>(expr: &'a Expr, fields: &'a F) -> Computed<'a> {
    match expr {
        Expr::Literal(literal) => literal.into(),
        Expr::Path(path) => fields.field(path).into(),
        Expr::Call(function, arguments) => call(*function, arguments.iter().map(|argument| value(argument, fields))),
        Expr::Chain(first, rest) => chain(&value(first, fields), rest, fields),
        Expr::Compare(..) | Expr::In { .. } | Expr::Not(_) | Expr::And(_) | Expr::Or(_) => truth(expr, fields).into(),
    }
}

fn chain<'a, F: Fields>(first: &Computed<'_>, rest: &[(Arithmetic, Expr)], fields: &F) -> Computed<'a> {
    let Computed::Number(first) = *first else { return Computed::Undefined };
    let total = rest.iter().try_fold(first, |so_far, (operator, next)| {
        let Computed::Number(next) = value(next, fields) else { return None };
        Some(match operator {
            Arithmetic::Add => so_far + next,
            Arithmetic::Subtract => so_far - next,
            Arithmetic::Multiply => so_far * next,
            Arithmetic::Divide => so_far / next,
            Arithmetic::Remainder => so_far % next,
        })
    });
    // Dividing by zero, or leaving the range of doubles, has no value.
    total.filter(|total| total.is_finite()).map_or(Computed::Undefined, Computed::Number)
}
