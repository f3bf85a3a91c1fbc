//! What a scalar means: YAML 1.2's core schema, and what YAML 1.1 would have made of it.

use serde_json::{Number, Value};

/// What a plain scalar says, and what must be said about it.
#[derive(Debug, PartialEq)]
pub(super) struct Reading {
    /// The value; `None`: the text itself.
    pub(super) value: Option<Value>,
    /// What to tell the writer.
    pub(super) note: Option<Note>,
}

/// Scalars that are dangerous to leave as they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Note {
    /// `yes`, `no`, `on`, `off`: booleans to YAML 1.1, texts to 1.2.
    Switch,
    /// `010`: eight to YAML 1.1, ten to 1.2, a text here.
    LeadingZero,
    /// `03:00`: a number to the base of 60 to YAML 1.1.
    Sexagesimal,
    /// `1_000`: a thousand to YAML 1.1.
    Underscore,
    /// `0b101`: five to YAML 1.1.
    Binary,
    /// `0o17`: fifteen to YAML 1.2, a text to 1.1.
    Octal,
    /// `12e4`: a number to YAML 1.2, a text to 1.1, which wants a dot in it.
    Exponent,
    /// `1.10`: the number 1.1.
    LostZero,
    /// `.inf` and `.nan`: JSON has no such numbers.
    NotFinite,
    /// A number that a twin cannot hold.
    TooLarge,
}

impl Note {
    /// Whether the scalar is refused.
    pub(super) fn is_error(self) -> bool {
        matches!(self, Self::NotFinite | Self::TooLarge)
    }

    /// The rule that is broken.
    pub(super) fn rule(self) -> &'static str {
        match self {
            Self::NotFinite | Self::TooLarge => "yaml-number",
            Self::LostZero => "yaml-digits",
            _ => "yaml-trap",
        }
    }

    /// What is wrong with `text`, and what to do.
    pub(super) fn words(self, text: &str) -> (String, String) {
        match self {
            Self::Switch => (
                format!("`{text}` is the text \"{text}\" here, but a boolean to other YAML tools"),
                format!("write `\"{text}\"` for the text, or `{}` for the boolean", truth(text)),
            ),
            Self::LeadingZero => (
                format!(
                    "`{text}` is the text \"{text}\" here, but a number to other YAML tools, and not the same to all"
                ),
                format!("write `\"{text}\"` for the text, or the number without its leading zero"),
            ),
            Self::Sexagesimal => (
                format!("`{text}` is the text \"{text}\" here, but {} to YAML 1.1, to the base of 60", sixties(text)),
                quotes(text),
            ),
            Self::Underscore | Self::Binary => (
                format!("`{text}` is the text \"{text}\" here, but a number to YAML 1.1"),
                format!("write `\"{text}\"` for the text, or the number in plain digits"),
            ),
            Self::Octal | Self::Exponent => (
                format!("`{text}` is a number here, but a text to YAML 1.1"),
                format!("write `\"{text}\"` for the text, or the number in plain digits"),
            ),
            Self::LostZero => {
                let number = text.trim_end_matches('0').trim_end_matches('.');
                (
                    format!("`{text}` is the number {number}: its last zero is lost"),
                    format!("write `\"{text}\"` if it is a version or another text, `{number}` for the number"),
                )
            }
            Self::NotFinite => {
                (format!("`{text}` is no number that a twin can hold"), format!("write `\"{text}\"` if it is a text"))
            }
            Self::TooLarge => (
                format!("the number `{text}` is too large"),
                format!("write `\"{text}\"` to keep every digit, as a text"),
            ),
        }
    }
}

fn quotes(text: &str) -> String {
    format!("write `\"{text}\"`, in quotes")
}

/// What YAML 1.1 makes of digits with colons, where that is not beyond telling.
fn sixties(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.trim_start_matches('+')), |digits| ("-", digits));
    let step = |sum: u64, part: &str| sum.checked_mul(60)?.checked_add(part.parse().ok()?);
    digits.split(':').try_fold(0, step).map_or_else(|| "a number".to_owned(), |sum| format!("the number {sign}{sum}"))
}

fn truth(text: &str) -> bool {
    text.eq_ignore_ascii_case("yes") || text.eq_ignore_ascii_case("on")
}

/// Reads a plain scalar.
pub(super) fn plain(text: &str) -> Reading {
    let bytes = text.as_bytes();
    let value = |value| Reading { value: Some(value), note: None };
    let note = |note| Reading { value: None, note: Some(note) };
    match (bytes.first(), text) {
        (None, _) | (_, "~" | "null" | "Null" | "NULL") => value(Value::Null),
        (_, "true" | "True" | "TRUE") => value(Value::Bool(true)),
        (_, "false" | "False" | "FALSE") => value(Value::Bool(false)),
        (Some(b'y' | b'Y' | b'n' | b'N' | b'o' | b'O'), _) if is_switch(text) => note(Note::Switch),
        (Some(b'0'..=b'9' | b'+' | b'-' | b'.'), _) => number(text),
        _ => Reading { value: None, note: None },
    }
}

fn is_switch(text: &str) -> bool {
    matches!(text, "yes" | "Yes" | "YES" | "no" | "No" | "NO" | "on" | "On" | "ON" | "off" | "Off" | "OFF")
}

/// Reads what begins like a number.
pub(super) fn number(text: &str) -> Reading {
    let (value, note) = match shape(text) {
        Shape::Text => (None, differs(text)),
        Shape::LeadingZero => (None, Some(Note::LeadingZero)),
        Shape::NotFinite => (None, Some(Note::NotFinite)),
        Shape::Integer(digits, radix) => match i64::from_str_radix(digits, radix) {
            Ok(number) => (Some(number.into()), (radix == 8).then_some(Note::Octal)),
            Err(_) => (None, Some(Note::TooLarge)),
        },
        Shape::Float => match text.parse().ok().and_then(Number::from_f64) {
            Some(number) => (Some(Value::Number(number)), doubtful(text)),
            None => (None, Some(Note::TooLarge)),
        },
    };
    Reading { value, note }
}

/// What to say of a text that begins like a number, and is one to YAML 1.1.
fn differs(text: &str) -> Option<Note> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is = |allowed: fn(u8) -> bool| unsigned.bytes().all(allowed);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        None
    } else if is(|b| b.is_ascii_digit() || b == b':') {
        let mut parts = unsigned.split(':').skip(1);
        parts
            .all(|part| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']))
            .then_some(Note::Sexagesimal)
    } else if is(|b| b.is_ascii_digit() || b == b'_' || b == b'.') {
        (unsigned.contains('_') && unsigned.matches('.').count() < 2).then_some(Note::Underscore)
    } else {
        let bits = unsigned.strip_prefix("0b").filter(|bits| !bits.is_empty());
        bits.filter(|bits| bits.bytes().all(|b| matches!(b, b'0' | b'1' | b'_'))).map(|_| Note::Binary)
    }
}

/// What to say of a number with a fraction or an exponent.
fn doubtful(text: &str) -> Option<Note> {
    match text.split_once('.') {
        None => Some(Note::Exponent),
        // `1.0` is how many write a whole number on purpose; a fraction of two digits that ends in zero is a version.
        Some((_, fraction)) => {
            (fraction.len() > 1 && fraction.ends_with('0') && !fraction.contains(['e', 'E'])).then_some(Note::LostZero)
        }
    }
}

enum Shape<'t> {
    Text,
    Integer(&'t str, u32),
    Float,
    NotFinite,
    LeadingZero,
}

fn shape(text: &str) -> Shape<'_> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Shape::NotFinite;
    }
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(prefix)
            && !digits.is_empty()
            && digits.chars().all(|c| c.is_digit(radix))
        {
            return Shape::Integer(digits, radix);
        }
    }
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    match (digits, unsigned.len() - digits) {
        (0, 0) => Shape::Text,
        (2.., 0) if unsigned.starts_with('0') => Shape::LeadingZero,
        (_, 0) => Shape::Integer(text.strip_prefix('+').unwrap_or(text), 10),
        _ if is_float(unsigned.as_bytes()) => Shape::Float,
        _ => Shape::Text,
    }
}

/// `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_float(text: &[u8]) -> bool {
    let digits = |from: usize| text[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = digits(0);
    let mut at = whole;
    if text.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if whole + fraction == 0 {
            return false;
        }
        at += 1 + fraction;
    }
    if at > 0 && matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at);
        return exponent > 0 && at + exponent == text.len();
    }
    at > 0 && at == text.len()
}
