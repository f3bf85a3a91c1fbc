//! Conditions and values. One expression grammar reads both; what may stand where is checked on the way up, so that
//! a parenthesis needs no backtracking.

use std::ops::Range;

use super::super::ast::{Arithmetic, Comparison, Expr, Literal};
use super::super::error::QueryError;
use super::{Parser, words};

impl Parser<'_> {
    /// A whole condition: `cond OR cond`.
    pub(super) fn condition(&mut self) -> Result<Expr, QueryError> {
        let start = self.span().start;
        let expr = self.disjunction()?;
        self.want_condition(&expr, start)?;
        Ok(expr)
    }

    /// A bare condition is wanted, but a whole statement was given.
    pub(super) fn refuse_statement(&self) -> Result<(), QueryError> {
        match self.name() {
            Some(name) if ["SELECT", "FROM", "WHERE"].iter().any(|word| word.eq_ignore_ascii_case(name)) => {
                self.fail(self.span(), format!("write only the condition, without `{name}`"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn disjunction(&mut self) -> Result<Expr, QueryError> {
        self.junction("OR", Self::conjunction, Expr::Or)
    }

    fn conjunction(&mut self) -> Result<Expr, QueryError> {
        self.junction("AND", Self::negation, Expr::And)
    }

    fn junction(
        &mut self,
        keyword: &str,
        term: fn(&mut Self) -> Result<Expr, QueryError>,
        join: fn(Vec<Expr>) -> Expr,
    ) -> Result<Expr, QueryError> {
        let start = self.span().start;
        let first = term(self)?;
        if !self.is_keyword(keyword) {
            return Ok(first);
        }
        self.want_condition(&first, start)?;
        let mut terms = vec![first];
        while self.take_keyword(keyword) {
            let start = self.span().start;
            let next = term(self)?;
            self.want_condition(&next, start)?;
            terms.push(next);
        }
        Ok(join(terms))
    }

    fn negation(&mut self) -> Result<Expr, QueryError> {
        if !self.take_keyword("NOT") {
            return self.comparison();
        }
        let start = self.span().start;
        let inner = self.nested(Self::negation)?;
        self.want_condition(&inner, start)?;
        Ok(Expr::Not(Box::new(inner)))
    }

    fn comparison(&mut self) -> Result<Expr, QueryError> {
        let start = self.span().start;
        let left = self.sum()?;
        let left_span = start..self.last_end();
        if let Some(comparison) = self.take_operator(&Comparison::ALL) {
            self.want_value(&left, left_span)?;
            let start = self.span().start;
            let right = self.sum()?;
            self.want_value(&right, start..self.last_end())?;
            let again = self.span();
            if self.take_operator(&Comparison::ALL).is_some() {
                return self.fail(again, "a comparison has two sides; join two of them with AND");
            }
            return Ok(Expr::Compare(Box::new(left), comparison, Box::new(right)));
        }
        if self.is_keyword("NOT") {
            return self.fail(self.span(), "write `NIN` for \"not in\"; `NOT` stands before a whole condition");
        }
        let negated = self.is_keyword("NIN");
        if !negated && !self.is_keyword("IN") {
            return Ok(left);
        }
        self.want_value(&left, left_span)?;
        self.advance();
        let list = self.membership()?;
        Ok(Expr::In { value: Box::new(left), list, negated })
    }

    /// The list after `IN`, with at least one literal.
    fn membership(&mut self) -> Result<Vec<Literal>, QueryError> {
        if self.is_symbol("(") {
            return self.fail(self.span(), "a list stands in brackets: `IN ['a', 'b']`");
        }
        let start = self.span().start;
        match self.literal()? {
            Some(Literal::List(list)) if !list.is_empty() => Ok(list),
            Some(Literal::List(_)) => self.fail(start..self.last_end(), "an empty list selects nothing"),
            _ => self.unexpected("a list such as `['a', 'b']`"),
        }
    }

    pub(super) fn sum(&mut self) -> Result<Expr, QueryError> {
        self.chain(&Arithmetic::SUMS, Self::product)
    }

    fn product(&mut self) -> Result<Expr, QueryError> {
        self.chain(&Arithmetic::PRODUCTS, Self::primary)
    }

    fn chain(
        &mut self,
        operators: &[(&str, Arithmetic)],
        operand: fn(&mut Self) -> Result<Expr, QueryError>,
    ) -> Result<Expr, QueryError> {
        let start = self.span().start;
        let first = operand(self)?;
        let first_span = start..self.last_end();
        let mut rest = Vec::new();
        while let Some(operator) = self.take_operator(operators) {
            let start = self.span().start;
            let next = operand(self)?;
            self.want_value(&next, start..self.last_end())?;
            rest.push((operator, next));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        self.want_value(&first, first_span)?;
        Ok(Expr::Chain(Box::new(first), rest))
    }

    /// Where the token before the current one ends.
    pub(super) fn last_end(&self) -> usize {
        self.at.checked_sub(1).map_or(0, |before| self.tokens[before].span.end)
    }

    fn want_condition(&self, expr: &Expr, start: usize) -> Result<(), QueryError> {
        if expr.is_condition() {
            return Ok(());
        }
        // `tags.a LIKE 'x'`: the word after the path is what is wrong.
        if self.name().is_some_and(|name| !words::is_reserved(name)) {
            return self.unexpected("a comparison such as `= 'x'`");
        }
        if let Expr::Path(path) = expr {
            let message = format!(
                "`{path}` alone is no condition; compare it, as in `{path} = true`, or write `IS_DEFINED({path})`"
            );
            return self.fail(start..self.last_end(), message);
        }
        self.fail(start..self.last_end(), "expected a condition, found a value; compare it with something")
    }

    pub(super) fn want_value(&self, expr: &Expr, span: Range<usize>) -> Result<(), QueryError> {
        if expr.is_value() {
            Ok(())
        } else {
            self.fail(span, "expected a value, found a condition; join them with AND")
        }
    }
}
