//! Conditions and values. One expression grammar reads both; what may stand where is checked on the way up, so that
//! a parenthesis needs no backtracking.

use std::ops::Range;

use super::super::ast::{Arithmetic, Comparison, Expr, Literal};
use super::super::error::QueryError;
use super::super::function::Function;
use super::super::lexer::Kind;
use super::super::path::FieldPath;
use super::super::suggest;
use super::{Parser, words};

const AGGREGATES: [&str; 5] = ["COUNT", "AVG", "SUM", "MIN", "MAX"];

impl<'t> Parser<'t> {
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

    fn disjunction(&mut self) -> Result<Expr, QueryError> {
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

    fn sum(&mut self) -> Result<Expr, QueryError> {
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

    fn primary(&mut self) -> Result<Expr, QueryError> {
        if self.take_symbol("(") {
            let inner = self.nested(Self::disjunction)?;
            self.want_symbol(")")?;
            return Ok(inner);
        }
        if let Some(literal) = self.literal()? {
            return Ok(Expr::Literal(literal));
        }
        match self.name() {
            Some(name) if !words::is_reserved(name) => {
                let calls = self.tokens.get(self.at + 1).is_some_and(|next| next.kind == Kind::Symbol("("));
                if calls { self.call(name) } else { Ok(Expr::Path(self.path()?)) }
            }
            _ => self.unexpected("a field, a value or a function"),
        }
    }

    /// A literal, or nothing when the current token begins none.
    fn literal(&mut self) -> Result<Option<Literal>, QueryError> {
        let literal = match &mut self.tokens[self.at].kind {
            Kind::Number(value) => Literal::Number(*value),
            // Every token is read once; its text need not stay behind.
            Kind::Text(value) => Literal::Text(std::mem::take(value)),
            Kind::Name(name) => match word_literal(name) {
                Some(literal) => literal,
                None => return Ok(None),
            },
            Kind::Symbol("-" | "+") => return self.signed().map(Some),
            Kind::Symbol("[") => return self.list_literal().map(Some),
            _ => return Ok(None),
        };
        self.advance();
        Ok(Some(literal))
    }

    fn signed(&mut self) -> Result<Literal, QueryError> {
        let negative = self.is_symbol("-");
        self.advance();
        let Kind::Number(value) = self.peek().kind else {
            return self.unexpected("a number after the sign");
        };
        self.advance();
        Ok(Literal::Number(if negative { -value } else { value }))
    }

    fn list_literal(&mut self) -> Result<Literal, QueryError> {
        self.want_symbol("[")?;
        if self.take_symbol("]") {
            return Ok(Literal::List(Vec::new()));
        }
        let items = self.nested(|parser| {
            parser.list(|parser| match parser.literal()? {
                Some(literal) => Ok(literal),
                None => parser.unexpected("a literal such as `'text'` or `1`"),
            })
        })?;
        self.want_symbol("]")?;
        Ok(Literal::List(items))
    }

    fn call(&mut self, name: &str) -> Result<Expr, QueryError> {
        let span = self.span();
        let Some(function) = Function::from_name(name) else {
            if AGGREGATES.iter().any(|aggregate| aggregate.eq_ignore_ascii_case(name)) {
                return self.fail(span, format!("`{name}` is an aggregate and stands only after SELECT"));
            }
            let message = format!("there is no function `{name}`{}", suggest::hint(name, Function::names()));
            return self.fail(span, message);
        };
        self.advance();
        let arguments = self.nested(Self::arguments)?;
        if !function.arity().contains(&arguments.len()) {
            let message = format!("`{name}` takes {}, not {}", count(function), arguments.len());
            return self.fail(span.start..self.last_end(), message);
        }
        if !function.is_portable() {
            let message = format!("`{name}` is documented for message routing only; Azure IoT Hub may refuse it here");
            self.doubt(span, message);
        }
        Ok(Expr::Call(function, arguments))
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, QueryError> {
        self.want_symbol("(")?;
        if self.take_symbol(")") {
            return Ok(Vec::new());
        }
        let arguments = self.list(|parser| {
            let start = parser.span().start;
            let argument = parser.sum()?;
            parser.want_value(&argument, start..parser.last_end())?;
            Ok(argument)
        })?;
        self.want_symbol(")")?;
        Ok(arguments)
    }

    /// `name.name.[[name]]`.
    pub(super) fn path(&mut self) -> Result<FieldPath, QueryError> {
        let start = self.span().start;
        let mut segments: Vec<&'t str> = Vec::new();
        loop {
            match self.peek().kind {
                Kind::Name(name) if !(segments.is_empty() && words::is_reserved(name)) => segments.push(name),
                Kind::Quoted(name) if !segments.is_empty() => segments.push(name),
                _ => return self.unexpected("a field such as `tags.site`"),
            }
            self.advance();
            if !self.take_symbol(".") {
                break;
            }
        }
        let span = start..self.last_end();
        let Some(path) = FieldPath::from_segments(segments) else {
            return self.fail(span, "this names only the source; add a field, such as `devices.deviceId`");
        };
        if let Some(mut message) = path.doubt() {
            // `tags.fw-channel` reads as a difference.
            if self.text[..start].ends_with('-') {
                message.push_str("; a name with `-` stands in brackets: `tags.[[fw-channel]]`");
            }
            self.doubt(span, message);
        }
        Ok(path)
    }

    /// Where the token before the current one ends.
    fn last_end(&self) -> usize {
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

    fn want_value(&self, expr: &Expr, span: Range<usize>) -> Result<(), QueryError> {
        if expr.is_value() {
            Ok(())
        } else {
            self.fail(span, "expected a value, found a condition; join them with AND")
        }
    }
}

fn word_literal(name: &str) -> Option<Literal> {
    match () {
        () if name.eq_ignore_ascii_case("true") => Some(Literal::Bool(true)),
        () if name.eq_ignore_ascii_case("false") => Some(Literal::Bool(false)),
        () if name.eq_ignore_ascii_case("null") => Some(Literal::Null),
        () if name.eq_ignore_ascii_case("undefined") => Some(Literal::Undefined),
        () => None,
    }
}

/// An arity in words.
fn count(function: Function) -> String {
    let arity = function.arity();
    match (*arity.start(), *arity.end()) {
        (1, 1) => "1 argument".to_owned(),
        (least, most) if least == most => format!("{least} arguments"),
        (least, usize::MAX) => format!("at least {least} arguments"),
        (least, most) => format!("{least} to {most} arguments"),
    }
}
