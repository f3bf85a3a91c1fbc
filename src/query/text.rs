//! Text literals: their escapes, read and written side by side.

use std::fmt::{self, Write as _};

/// What is wrong inside a text literal; `at` counts bytes from just after the opening quote.
pub(super) struct Slip {
    pub(super) at: usize,
    pub(super) length: usize,
    pub(super) message: &'static str,
}

const UNFINISHED: &str = "this text has no closing quote";
const BAD_ESCAPE: &str = "unknown escape; a text knows \\' \\\" \\\\ and \\uXXXX";
const BAD_UNICODE: &str = "\\u needs four hexadecimal digits that make a character (protocol reference 6.2)";

/// Reads up to the closing quote; gives the value and the bytes used, closing quote included.
pub(super) fn unescape(rest: &str, quote: char) -> Result<(String, usize), Slip> {
    let mut value = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Ok((value, at + 1));
        }
        if c != '\\' {
            value.push(c);
            continue;
        }
        match chars.next() {
            Some((_, escaped @ ('\'' | '"' | '\\'))) => value.push(escaped),
            Some((_, 'u')) => {
                let (c, length) = unicode(&rest[at..]).ok_or(Slip { at, length: 2, message: BAD_UNICODE })?;
                value.push(c);
                // The backslash and the `u` are gone; the rest of the escape is ASCII, one character a byte.
                chars.nth(length - 3);
            }
            Some((_, other)) => return Err(Slip { at, length: 1 + other.len_utf8(), message: BAD_ESCAPE }),
            None => break,
        }
    }
    Err(Slip { at: 0, length: 0, message: UNFINISHED })
}

/// One `\uXXXX`, or a surrogate pair of two; gives the character and the bytes used.
fn unicode(escape: &str) -> Option<(char, usize)> {
    let first = unit(escape)?;
    if !(0xD800..0xDC00).contains(&first) {
        return Some((char::from_u32(first)?, 6));
    }
    let second = unit(&escape[6..]).filter(|unit| (0xDC00..0xE000).contains(unit))?;
    Some((char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00))?, 12))
}

fn unit(escape: &str) -> Option<u32> {
    let digits = escape.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

/// Writes a text literal in single quotes.
pub(super) fn write(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    f.write_char('\'')?;
    for c in value.chars() {
        match c {
            '\'' | '\\' => write!(f, "\\{c}")?,
            c if c.is_ascii_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, &'static str> {
        unescape(&text[1..], '\'').map(|(value, _)| value).map_err(|slip| slip.message)
    }

    #[test]
    fn escapes_are_read() {
        assert_eq!(read(r"'a\'b\\c\u00e9\ud83d\ude00d'").unwrap(), "a'b\\cé😀d");
    }

    #[test]
    fn what_is_no_escape_is_refused() {
        assert_eq!(read(r"'\n'"), Err(BAD_ESCAPE));
        assert_eq!(read(r"'\ud800'"), Err(BAD_UNICODE));
        assert_eq!(read(r"'\u+123'"), Err(BAD_UNICODE));
        assert_eq!(read("'abc"), Err(UNFINISHED));
        assert_eq!(read("'abc\\"), Err(UNFINISHED));
    }
}
