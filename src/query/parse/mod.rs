//! Recursive descent over the tokens; `expr` reads conditions, `term` their leaves, `select` whole
//! statements.

mod expr;
mod select;
mod term;
pub(super) mod words;

use std::ops::Range;

use super::ast::Expr;
use super::error::{Doubt, QueryError};
use super::lexer::{self, Kind, Token};
use super::path::FieldPath;
use super::statement::Query;
use super::target::Target;
use super::{MAX_LENGTH, suggest};

/// Deepest nesting of parentheses, `NOT`, calls and lists; far beyond any real query, far below any stack.
const MAX_DEPTH: usize = 64;

/// A statement from `SELECT` on.
pub(super) fn query(text: &str) -> Result<Query, QueryError> {
    let mut parser = Parser::new(text)?;
    let query = parser.select()?;
    parser.end("the end of the query")?;
    Ok(query)
}

/// What follows `WHERE`.
pub(super) fn condition(text: &str) -> Result<(Expr, Vec<Doubt>), QueryError> {
    let mut parser = Parser::new(text)?;
    parser.refuse_statement()?;
    let expr = parser.condition()?;
    parser.end("`AND`, `OR` or the end of the condition")?;
    Ok((expr, parser.doubts))
}

/// `*`, a condition, or `FROM source WHERE condition`.
pub(super) fn target(text: &str) -> Result<Target, QueryError> {
    let mut parser = Parser::new(text)?;
    let target = parser.target()?;
    parser.end("the end of the target condition")?;
    Ok(target)
}

/// A single path.
pub(super) fn path(text: &str) -> Result<FieldPath, QueryError> {
    let mut parser = Parser::new(text)?;
    let path = parser.path()?;
    parser.end("the end of the path")?;
    Ok(path)
}

/// The tokens and a place among them.
struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token<'t>>,
    at: usize,
    depth: usize,
    doubts: Vec<Doubt>,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Result<Self, QueryError> {
        if let Some((beyond, _)) = text.char_indices().nth(MAX_LENGTH) {
            let length = text.chars().count();
            let message =
                format!("the query has {length} characters; a hub takes at most {MAX_LENGTH} (protocol reference 6.1)");
            return Err(QueryError::new(text, beyond..text.len(), message));
        }
        Ok(Self { text, tokens: lexer::tokens(text)?, at: 0, depth: 0, doubts: Vec::new() })
    }

    /// The current token; the list ends in [`Kind::End`], which is never passed.
    fn peek(&self) -> &Token<'t> {
        &self.tokens[self.at]
    }

    fn span(&self) -> Range<usize> {
        self.peek().span.clone()
    }

    fn advance(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek().kind, Kind::Symbol(found) if found == symbol)
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        if found {
            self.advance();
        }
        found
    }

    fn want_symbol(&mut self, symbol: &str) -> Result<(), QueryError> {
        if self.take_symbol(symbol) { Ok(()) } else { self.unexpected(&format!("`{symbol}`")) }
    }

    /// The current token as one of a table's symbols.
    fn take_operator<T: Copy>(&mut self, table: &[(&str, T)]) -> Option<T> {
        let Kind::Symbol(found) = self.peek().kind else { return None };
        let (_, operator) = table.iter().find(|(symbol, _)| *symbol == found)?;
        self.advance();
        Some(*operator)
    }

    fn name(&self) -> Option<&'t str> {
        match self.peek().kind {
            Kind::Name(name) => Some(name),
            _ => None,
        }
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        self.name().is_some_and(|name| name.eq_ignore_ascii_case(keyword))
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.is_keyword(keyword);
        if found {
            self.advance();
        }
        found
    }

    fn want_keyword(&mut self, keyword: &str) -> Result<(), QueryError> {
        if self.take_keyword(keyword) { Ok(()) } else { self.unexpected(&format!("`{keyword}`")) }
    }

    fn end(&self, expected: &str) -> Result<(), QueryError> {
        if self.peek().kind == Kind::End { Ok(()) } else { self.unexpected(expected) }
    }

    fn fail<T>(&self, span: Range<usize>, message: impl Into<String>) -> Result<T, QueryError> {
        Err(QueryError::new(self.text, span, message))
    }

    /// The current token is not what should be here.
    fn unexpected<T>(&self, expected: &str) -> Result<T, QueryError> {
        let found = match &self.peek().kind {
            Kind::End => "the text ends here".to_owned(),
            Kind::Text(_) => "found a text".to_owned(),
            _ => format!("found `{}`", &self.text[self.span()]),
        };
        let help = self.name().map_or_else(String::new, |name| {
            words::unsupported(name).unwrap_or_else(|| suggest::hint(name, words::KEYWORDS))
        });
        self.fail(self.span(), format!("expected {expected}, {found}{help}"))
    }

    fn doubt(&mut self, span: Range<usize>, message: String) {
        self.doubts.push(Doubt { span, message });
    }

    /// Runs `inner` one level deeper, as long as there are levels left.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, QueryError>) -> Result<T, QueryError> {
        if self.depth == MAX_DEPTH {
            return self.fail(self.span(), format!("nested deeper than {MAX_DEPTH} levels"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// One or more of `item`, between commas.
    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T, QueryError>) -> Result<Vec<T>, QueryError> {
        let mut items = vec![item(self)?];
        while self.take_symbol(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }
}
