//! The leaves of an expression: literals, paths, calls, and parentheses.

use super::super::ast::{Expr, Literal};
use super::super::error::QueryError;
use super::super::function::Function;
use super::super::lexer::Kind;
use super::super::path::FieldPath;
use super::super::suggest;
use super::{Parser, words};

const AGGREGATES: [&str; 5] = ["COUNT", "AVG", "SUM", "MIN", "MAX"];

impl<'t> Parser<'t> {
    pub(super) fn primary(&mut self) -> Result<Expr, QueryError> {
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
    pub(super) fn literal(&mut self) -> Result<Option<Literal>, QueryError> {
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
