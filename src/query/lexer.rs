//! From text to tokens, each with its place.

use std::ops::Range;

use super::error::QueryError;
use super::text;

/// What a token is; names borrow from the query's text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind<'t> {
    /// A keyword, function name or path segment.
    Name(&'t str),
    /// A path segment written as `[[…]]`.
    Quoted(&'t str),
    Number(f64),
    Text(String),
    /// Punctuation and operators, as they stand.
    Symbol(&'static str),
    End,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind<'t>,
    pub(super) span: Range<usize>,
}

/// Longest first, so that `<=` is not read as `<`.
const SYMBOLS: [&str; 20] =
    ["!=", "<>", "<=", ">=", "<", ">", "=", "(", ")", "[", "]", ",", ".", "*", "+", "-", "/", "%", "{", "}"];

/// What people write from habit, and what this language has instead.
const HABITS: [(&str, &str); 6] =
    [("==", "`=`"), ("&&", "`AND`"), ("||", "`OR`"), ("!", "`NOT` or `!=`"), (";", "nothing"), ("`", "`'`")];

/// All tokens of `text`, the last one [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, QueryError> {
    let mut lexer = Lexer { text, at: 0, after_dot: false };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        lexer.after_dot = token.kind == Kind::Symbol(".");
        let end = token.kind == Kind::End;
        tokens.push(token);
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// A name is next, even one that looks like a number or is in brackets.
    after_dot: bool,
}

impl<'t> Lexer<'t> {
    fn next(&mut self) -> Result<Token<'t>, QueryError> {
        self.at += self.rest().len() - self.rest().trim_start().len();
        let start = self.at;
        let kind = match self.rest().chars().next() {
            None => Kind::End,
            Some('[') if self.after_dot && self.rest().starts_with("[[") => self.quoted()?,
            Some(quote @ ('\'' | '"')) => self.string(quote)?,
            Some(digit) if digit.is_ascii_digit() && !self.after_dot => self.number()?,
            Some(letter) if in_name(letter) => Kind::Name(self.take(in_name)),
            Some(other) => self.symbol(other)?,
        };
        Ok(Token { kind, span: start..self.at })
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn take(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let taken = rest.find(|c| !wanted(c)).map_or(rest, |end| &rest[..end]);
        self.at += taken.len();
        taken
    }

    fn fail<T>(&self, span: Range<usize>, message: impl Into<String>) -> Result<T, QueryError> {
        Err(QueryError::new(self.text, span, message))
    }

    /// `[[…]]`; ends at the first `]]` that no further `]` follows, so that a segment may end in `]`.
    fn quoted(&mut self) -> Result<Kind<'t>, QueryError> {
        let start = self.at;
        let inner = &self.rest()[2..];
        let Some(mut end) = inner.find("]]") else {
            return self.fail(start..self.text.len(), "this `[[` has no `]]`");
        };
        while inner[end + 2..].starts_with(']') {
            end += 1;
        }
        if end == 0 {
            return self.fail(start..start + 4, "`[[]]` names nothing");
        }
        self.at += end + 4;
        Ok(Kind::Quoted(&inner[..end]))
    }

    fn string(&mut self, quote: char) -> Result<Kind<'t>, QueryError> {
        let start = self.at;
        let (value, length) = text::unescape(&self.rest()[1..], quote).map_err(|slip| {
            let place = start + 1 + slip.at;
            let span = if slip.at == 0 && slip.length == 0 { start..start + 1 } else { place..place + slip.length };
            QueryError::new(self.text, span, slip.message)
        })?;
        self.at += 1 + length;
        Ok(Kind::Text(value))
    }

    fn number(&mut self) -> Result<Kind<'t>, QueryError> {
        let start = self.at;
        let word = self.number_word();
        let value = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
            #[expect(clippy::cast_precision_loss, reason = "all numbers of the language are doubles")]
            Some(digits) => u64::from_str_radix(digits, 16).ok().map(|whole| whole as f64),
            None => word.parse::<f64>().ok(),
        };
        match value {
            Some(value) if value.is_finite() => Ok(Kind::Number(value)),
            _ => self.fail(start..self.at, format!("`{word}` is not a number; a text needs quotes")),
        }
    }

    /// Everything that could belong to the number, so that `12ab` is one mistake and not two tokens.
    fn number_word(&mut self) -> &'t str {
        let start = self.at;
        self.take(char::is_alphanumeric);
        if self.rest().starts_with('.') && self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) {
            self.at += 1;
            self.take(char::is_alphanumeric);
        }
        let word = &self.text[start..self.at];
        let exponent = word.ends_with(['e', 'E']) && !word.starts_with("0x") && !word.starts_with("0X");
        if exponent && self.rest().starts_with(['+', '-']) {
            self.at += 1;
            self.take(|c| c.is_ascii_digit());
        }
        &self.text[start..self.at]
    }

    fn symbol(&mut self, first: char) -> Result<Kind<'t>, QueryError> {
        let rest = self.rest();
        let habit = HABITS.iter().find(|(habit, _)| rest.starts_with(habit) && !rest.starts_with("!="));
        if let Some((habit, instead)) = habit {
            let message = format!("`{habit}` is not part of the query language; write {instead}");
            return self.fail(self.at..self.at + habit.len(), message);
        }
        match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            Some(symbol) => {
                self.at += symbol.len();
                Ok(Kind::Symbol(symbol))
            }
            None => self
                .fail(self.at..self.at + first.len_utf8(), format!("`{}` has no meaning here", first.escape_default())),
        }
    }
}

/// Whether a character belongs to a bare name; everything else needs `[[…]]`.
pub(super) fn in_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind<'_>> {
        tokens(text).unwrap().into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn names_numbers_and_texts_are_told_apart() {
        assert_eq!(
            kinds("tags.5g >= 0x1F"),
            [
                Kind::Name("tags"),
                Kind::Symbol("."),
                Kind::Name("5g"),
                Kind::Symbol(">="),
                Kind::Number(31.0),
                Kind::End
            ]
        );
        assert_eq!(kinds("1.5e-3 'a\\'b'"), [Kind::Number(0.0015), Kind::Text("a'b".into()), Kind::End]);
    }

    #[test]
    fn double_brackets_quote_only_after_a_dot() {
        assert_eq!(kinds(".[[a b]]]"), [Kind::Symbol("."), Kind::Quoted("a b]"), Kind::End]);
        assert_eq!(kinds("[[1]]").len(), 6);
    }

    #[test]
    fn habits_from_other_languages_get_an_answer() {
        let error = tokens("a == 1").unwrap_err();
        assert_eq!((error.offset(), error.message.contains("write `=`")), (2, true));
        assert!(tokens("a && b").unwrap_err().message.contains("`AND`"));
        assert!(tokens("12ab").unwrap_err().message.contains("not a number"));
        assert!(tokens("1e999").is_err());
    }
}
