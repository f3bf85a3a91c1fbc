//! What each function makes of its arguments (protocol reference 6.2).

use std::borrow::Cow;

use serde_json::Value;

use super::ast::{Comparison, Literal};
use super::function::Function;
use super::truth::Truth;
use super::value::{Computed, Operand};

/// Calls a function; arguments of a wrong type give an undefined result, never an error.
pub(super) fn call<'a>(function: Function, mut arguments: impl Iterator<Item = Computed<'a>>) -> Computed<'a> {
    if function == Function::Concat {
        return concat(arguments);
    }
    // The parser has checked the count; what is missing is optional.
    let first = arguments.next().unwrap_or(Computed::Undefined);
    let second = arguments.next();
    let third = arguments.next();
    match function {
        Function::AsNumber => as_number(&first),
        Function::Power => numbers(&first, second.as_ref(), f64::powf),
        Function::ArrayContains => second.map_or(Computed::Undefined, |item| array_contains(&first, &item).into()),
        Function::StartsWith => texts(&first, second.as_ref(), |text, part| Computed::Bool(text.starts_with(part))),
        Function::EndsWith => texts(&first, second.as_ref(), |text, part| Computed::Bool(text.ends_with(part))),
        Function::Contains => texts(&first, second.as_ref(), |text, part| Computed::Bool(text.contains(part))),
        Function::IndexOf => texts(&first, second.as_ref(), index_of),
        Function::Substring => substring(&first, second.as_ref(), third.as_ref()),
        Function::Length | Function::Lower | Function::Upper => on_text(function, &first),
        Function::Abs
        | Function::Exp
        | Function::Square
        | Function::Ceiling
        | Function::Floor
        | Function::Sign
        | Function::Sqrt => on_number(function, &first),
        _ => Computed::Bool(is_of_type(function, &first)),
    }
}

/// The `IS_…` functions, the only ones for which an undefined argument is an answer.
fn is_of_type(function: Function, value: &Computed<'_>) -> bool {
    let primitive = matches!(value, Computed::Null | Computed::Bool(_) | Computed::Number(_) | Computed::Text(_));
    match function {
        Function::IsDefined => !matches!(value, Computed::Undefined),
        Function::IsNull => matches!(value, Computed::Null),
        Function::IsBool => matches!(value, Computed::Bool(_)),
        Function::IsNumber => matches!(value, Computed::Number(_)),
        Function::IsString => matches!(value, Computed::Text(_)),
        Function::IsObject => matches!(value, Computed::Composite(Value::Object(_))),
        Function::IsArray => matches!(value, Computed::Composite(Value::Array(_)) | Computed::List(_)),
        Function::IsPrimitive => primitive,
        _ => false,
    }
}

fn finite<'a>(value: f64) -> Computed<'a> {
    if value.is_finite() { Computed::Number(value) } else { Computed::Undefined }
}

fn on_number<'a>(function: Function, value: &Computed<'_>) -> Computed<'a> {
    let Computed::Number(value) = *value else { return Computed::Undefined };
    finite(match function {
        Function::Abs => value.abs(),
        Function::Exp => value.exp(),
        Function::Square => value * value,
        Function::Ceiling => value.ceil(),
        Function::Floor => value.floor(),
        Function::Sqrt => value.sqrt(),
        // `signum` of zero is one.
        _ if value == 0.0 => 0.0,
        _ => value.signum(),
    })
}

fn numbers<'a>(left: &Computed<'_>, right: Option<&Computed<'_>>, run: fn(f64, f64) -> f64) -> Computed<'a> {
    match (left, right) {
        (Computed::Number(left), Some(Computed::Number(right))) => finite(run(*left, *right)),
        _ => Computed::Undefined,
    }
}

fn as_number<'a>(value: &Computed<'_>) -> Computed<'a> {
    match value {
        Computed::Number(number) => Computed::Number(*number),
        Computed::Text(text) => text.trim().parse().map_or(Computed::Undefined, finite),
        _ => Computed::Undefined,
    }
}

fn texts<'a>(
    text: &Computed<'_>,
    part: Option<&Computed<'_>>,
    run: impl Fn(&str, &str) -> Computed<'a>,
) -> Computed<'a> {
    match (text, part) {
        (Computed::Text(text), Some(Computed::Text(part))) => run(text, part),
        _ => Computed::Undefined,
    }
}

fn on_text<'a>(function: Function, value: &Computed<'_>) -> Computed<'a> {
    let Computed::Text(text) = value else { return Computed::Undefined };
    match function {
        Function::Lower => Computed::Text(Cow::Owned(text.to_lowercase())),
        Function::Upper => Computed::Text(Cow::Owned(text.to_uppercase())),
        _ => count(text.chars().count()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a twin's texts are far shorter than 2^53")]
fn count<'a>(count: usize) -> Computed<'a> {
    Computed::Number(count as f64)
}

/// In characters from 0; -1 when the part is not there.
fn index_of<'a>(text: &str, part: &str) -> Computed<'a> {
    text.find(part).map_or(Computed::Number(-1.0), |at| count(text[..at].chars().count()))
}

/// `SUBSTRING(text, start[, length])`, in characters from 0; what lies beyond the end is empty.
fn substring<'a>(text: &Computed<'a>, start: Option<&Computed<'_>>, length: Option<&Computed<'_>>) -> Computed<'a> {
    let Computed::Text(text) = text else { return Computed::Undefined };
    let length = length.map_or(Some(usize::MAX), whole);
    let (Some(start), Some(length)) = (start.and_then(whole), length) else { return Computed::Undefined };
    Computed::Text(Cow::Owned(text.chars().skip(start).take(length).collect()))
}

fn whole(value: &Computed<'_>) -> Option<usize> {
    match value {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, and is checked for sign"
        )]
        Computed::Number(value) if *value >= 0.0 && value.fract() == 0.0 => Some(*value as usize),
        _ => None,
    }
}

fn concat<'a>(mut arguments: impl Iterator<Item = Computed<'a>>) -> Computed<'a> {
    let joined = arguments.try_fold(String::new(), |mut joined, argument| match argument {
        Computed::Text(text) => {
            joined.push_str(&text);
            Some(joined)
        }
        _ => None,
    });
    joined.map_or(Computed::Undefined, |text| Computed::Text(Cow::Owned(text)))
}

/// Whether an array holds a primitive.
fn array_contains(array: &Computed<'_>, item: &Computed<'_>) -> Truth {
    let equals = |candidate: Computed<'_>| candidate.compare(Comparison::Equal, item) == Truth::True;
    match (array, item) {
        (_, Computed::Undefined | Computed::Composite(_) | Computed::List(_)) => Truth::Undefined,
        (Computed::Composite(Value::Array(items)), _) => {
            items.iter().any(|item| equals(Operand::from(item).into())).into()
        }
        (Computed::List(items), _) => items.iter().any(|item: &Literal| equals(item.into())).into(),
        _ => Truth::Undefined,
    }
}
