//! The canonical text of a condition; parsing it gives the same tree.

use std::fmt::{self, Display, Write as _};

use super::ast::{Arithmetic, Comparison, Expr, Literal};
use super::text;

impl Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undefined => f.write_str("undefined"),
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            // Exponents keep huge and tiny numbers short.
            Self::Number(value) if *value != 0.0 && !(1e-6..1e17).contains(&value.abs()) => write!(f, "{value:e}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(value) => text::write(f, value),
            Self::List(items) => write_list(f, items),
        }
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_in(&Self::ALL, *self))
    }
}

impl Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = name_in(&Self::SUMS, *self);
        f.write_str(if sum.is_empty() { name_in(&Self::PRODUCTS, *self) } else { sum })
    }
}

fn name_in<T: PartialEq + Copy>(names: &[(&'static str, T)], wanted: T) -> &'static str {
    names.iter().find(|(_, value)| *value == wanted).map_or("", |(name, _)| name)
}

impl Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(literal) => write!(f, "{literal}"),
            Self::Path(path) => write!(f, "{path}"),
            Self::Call(function, arguments) => {
                write!(f, "{}(", function.name())?;
                write_joined(f, arguments, ", ", |f, argument| write!(f, "{argument}"))?;
                f.write_char(')')
            }
            Self::Chain(first, rest) => {
                write_grouped(f, first, first.is_chain())?;
                for (operator, next) in rest {
                    write!(f, " {operator} ")?;
                    write_grouped(f, next, next.is_chain())?;
                }
                Ok(())
            }
            Self::Compare(left, comparison, right) => write!(f, "{left} {comparison} {right}"),
            Self::In { value, list, negated } => {
                write!(f, "{value} {} ", if *negated { "NIN" } else { "IN" })?;
                write_list(f, list)
            }
            Self::Not(inner) => {
                f.write_str("NOT ")?;
                write_grouped(f, inner, matches!(**inner, Self::And(_) | Self::Or(_)))
            }
            Self::And(terms) => write_joined(f, terms, " AND ", |f, term| {
                write_grouped(f, term, matches!(term, Self::And(_) | Self::Or(_)))
            }),
            Self::Or(terms) => {
                write_joined(f, terms, " OR ", |f, term| write_grouped(f, term, matches!(term, Self::Or(_))))
            }
        }
    }
}

fn write_grouped(f: &mut fmt::Formatter<'_>, expr: &Expr, grouped: bool) -> fmt::Result {
    if grouped { write!(f, "({expr})") } else { write!(f, "{expr}") }
}

fn write_list(f: &mut fmt::Formatter<'_>, items: &[Literal]) -> fmt::Result {
    f.write_char('[')?;
    write_joined(f, items, ", ", |f, item| write!(f, "{item}"))?;
    f.write_char(']')
}

pub(super) fn write_joined<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    between: &str,
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        write(f, item)?;
    }
    Ok(())
}
