//! Three-valued logic (protocol reference 6.2): true, false, or undefined.

use std::ops::Not;

/// A truth value of Kleene's logic; ordered so that AND is the least and OR the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    False,
    Undefined,
    True,
}

impl Truth {
    /// The least of all terms; stops at the first `False`.
    pub(super) fn all(terms: impl Iterator<Item = Self>) -> Self {
        fold(terms, Self::True, Self::min, Self::False)
    }

    /// The greatest of all terms; stops at the first `True`.
    pub(super) fn any(terms: impl Iterator<Item = Self>) -> Self {
        fold(terms, Self::False, Self::max, Self::True)
    }
}

fn fold(
    mut terms: impl Iterator<Item = Truth>,
    start: Truth,
    join: fn(Truth, Truth) -> Truth,
    decided: Truth,
) -> Truth {
    let outcome = terms.try_fold(start, |so_far, next| {
        let joined = join(so_far, next);
        if joined == decided { Err(joined) } else { Ok(joined) }
    });
    outcome.unwrap_or_else(|decided| decided)
}

impl Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Undefined => Self::Undefined,
            Self::True => Self::False,
        }
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}
