//! What a value that breaks its schema should be told, in words.

use serde_json::Value;

use super::{
    finding::{Finding, Place},
    schema,
    yaml::escape,
};
use crate::component::nearest;

/// The keyword of a schema that says why it demands what it demands.
const REASON: &str = "x-twinops-reason";

/// The pattern of shares.
const PERCENT: &str = "^[0-9]{1,3}%$";

/// Most names that a list in a message has.
const MOST_NAMES: usize = 12;

/// One thing that is wrong with a value by its schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// JSON pointer below the value that was checked.
    pub pointer: String,
    /// Whether the key at the end of the pointer is at fault, and not its value.
    pub is_key: bool,
    /// The rule that is broken.
    pub rule: &'static str,
    /// What is wrong, without a full stop and without the value itself.
    pub message: String,
    /// A few words for the caret.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

/// What a validator found, before it is put into words.
pub(super) struct Violation<'v> {
    pub(super) pointer: &'v str,
    pub(super) found: &'v Value,
    /// The schema that the broken keyword stands in.
    pub(super) schema: &'v Value,
    pub(super) what: What<'v>,
}

pub(super) enum What<'v> {
    Unknown(&'v [String]),
    Missing(&'v str),
    Type(Vec<&'static str>),
    NoneOf(Vec<Value>),
    Pattern(&'v str),
    Format(&'v str),
    Bound(&'static str, String),
    Size(&'static str, u64, &'static str),
    /// A key that no member of this mapping may have.
    Key(&'v str),
    Forbidden,
    NoBranch,
    Other(String),
}

impl Fault {
    /// The fault as a finding in a document of that file; `base` is the pointer of the value that was checked.
    pub fn finding(self, file: &std::sync::Arc<str>, document: usize, base: &str) -> Finding {
        let pointer = format!("{base}{}", self.pointer);
        let place =
            if self.is_key { Place::key(file, document, pointer) } else { Place::value(file, document, pointer) };
        Finding { label: self.label, help: self.help, ..Finding::error(self.rule, self.message).at(place) }
    }
}

/// Adds the faults of a violation: one a member for unknown members, otherwise one.
pub(super) fn explain(violation: &Violation<'_>, faults: &mut Vec<Fault>) {
    let fault = |rule, message: String| Fault {
        pointer: violation.pointer.to_owned(),
        is_key: false,
        rule,
        message,
        label: None,
        help: reason(violation.schema).or_else(|| description(violation.schema)),
    };
    let name = name(violation.pointer);
    let fault = match &violation.what {
        What::Unknown(names) => return faults.extend(names.iter().map(|name| unknown(violation, name))),
        What::Missing(member) => Fault {
            help: reason(violation.schema).or_else(|| member_description(violation.schema, member)),
            ..fault("missing-property", format!("`{member}` is missing{}", within(violation.pointer)))
        },
        What::Type(types) => Fault {
            label: Some(format!("expected {}", one_of(types.iter().map(|name| spoken(name).to_owned())))),
            help: type_help(types, violation.found, violation.schema).or_else(|| description(violation.schema)),
            ..fault(
                "wrong-type",
                format!(
                    "{name} is {}, not {}",
                    kind(violation.found),
                    one_of(types.iter().map(|t| spoken(t).to_owned()))
                ),
            )
        },
        What::NoneOf(options) => none_of(options, violation.found, fault),
        What::Pattern(pattern) => fault("wrong-format", format!("{name} is not {}", words(pattern, violation.schema))),
        What::Format(format) => fault("wrong-format", format!("{name} is no valid {format}")),
        What::Bound(word, limit) => fault("out-of-range", format!("{name} has to be {word} {limit}")),
        What::Size(word, limit, unit) => {
            let plural = if *limit == 1 { "" } else { "s" };
            fault("wrong-length", format!("{name} has to have {word} {limit} {unit}{plural}"))
        }
        What::Key(key) => Fault {
            pointer: format!("{}/{}", violation.pointer, escape(key)),
            is_key: true,
            help: key_help(violation.schema),
            ..fault("wrong-format", format!("`{key}` cannot be a key{}", within(violation.pointer)))
        },
        What::Forbidden => Fault { is_key: true, ..fault("unknown-property", format!("{name} must not stand here")) },
        What::NoBranch => fault("schema", format!("{name} fits none of the forms that it may have")),
        What::Other(message) => fault("schema", format!("{name}: {message}")),
    };
    faults.push(fault);
}

fn unknown(violation: &Violation<'_>, name: &str) -> Fault {
    let known: Vec<&str> = violation
        .schema
        .get("properties")
        .and_then(Value::as_object)
        .map(|members| members.keys().map(String::as_str).collect())
        .unwrap_or_default();
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.is_empty() => None,
        None => Some(format!("known here: {}", list(known.iter().map(|name| format!("`{name}`"))))),
    };
    Fault {
        pointer: format!("{}/{}", violation.pointer, escape(name)),
        is_key: true,
        rule: "unknown-property",
        message: format!("`{name}` is not known{}", within(violation.pointer)),
        label: Some("unknown".to_owned()),
        help,
    }
}

fn none_of(options: &[Value], found: &Value, fault: impl Fn(&'static str, String) -> Fault) -> Fault {
    let names: Vec<String> = options.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect();
    let name = name(&fault("", String::new()).pointer);
    let near = found.as_str().and_then(|text| nearest(text, names.iter().map(String::as_str)));
    let quoted = || names.iter().map(|name| format!("`{name}`"));
    let message = match names.as_slice() {
        [only] => format!("{name} has to be `{only}`"),
        _ => format!("{name} has to be one of {}", list(quoted())),
    };
    let fault = fault("not-allowed", message);
    match near {
        Some(near) => Fault { help: Some(format!("did you mean `{near}`?")), ..fault },
        None => fault,
    }
}

/// What a writer who fell into one of YAML's traps should do.
fn type_help(expected: &[&str], found: &Value, schema: &Value) -> Option<String> {
    let wants = |name: &str| expected.contains(&name);
    match found {
        Value::String(text) if wants("boolean") => match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "true" => Some("write `true`, without quotes".to_owned()),
            "no" | "off" | "false" => Some("write `false`, without quotes".to_owned()),
            _ => None,
        },
        Value::String(text) if (wants("integer") || wants("number")) && text.parse::<f64>().is_ok() => {
            Some("write the number without quotes and without a leading zero".to_owned())
        }
        Value::Number(_) | Value::Bool(_) if wants("string") => Some(quotes_help(found, schema)),
        Value::Null => Some("write a value, or remove the key".to_owned()),
        Value::Number(number) if wants("integer") && number.is_f64() => {
            Some("write it without a fraction or exponent".to_owned())
        }
        _ if wants("array") && !found.is_object() => Some("write a list: `[…]`".to_owned()),
        _ => None,
    }
}

/// What to do with a number or boolean where a text is expected: quotes help only when the text that they make will do.
fn quotes_help(found: &Value, schema: &Value) -> String {
    if schema::takes_text(schema, &found.to_string()) {
        return "put it in quotes".to_owned();
    }
    let percent = schema.get("pattern").and_then(Value::as_str) == Some(PERCENT);
    match schema.get("pattern").and_then(Value::as_str) {
        Some(_) if percent && found.is_u64() => format!("write `{found}%`"),
        Some(pattern) => format!("write {}", words(pattern, schema)),
        None => "write a text, in quotes where it looks like a number".to_owned(),
    }
}

/// What a pattern asks for: the words of the schema's author where there are any.
fn words(pattern: &str, schema: &Value) -> String {
    match pattern {
        PERCENT => return "a percentage such as `20%`".to_owned(),
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" => return "a date such as `2027-03-01`".to_owned(),
        "^[0-9]+[smhd]$" => return "a duration such as `30m`, `24h` or `7d`".to_owned(),
        "^([01][0-9]|2[0-3]):[0-5][0-9]$" => return "a time such as `01:30`".to_owned(),
        _ => {}
    }
    match schema.get("examples").and_then(Value::as_array).map(Vec::as_slice) {
        Some([first, ..]) => {
            format!("of the form of `{}`", first.as_str().map_or_else(|| first.to_string(), str::to_owned))
        }
        _ => format!("of the form `{pattern}`"),
    }
}

fn key_help(schema: &Value) -> Option<String> {
    // The keyword that failed is inside `propertyNames`, so that is the schema at hand.
    let names = schema.get("propertyNames").unwrap_or(schema);
    let pattern = names.get("pattern")?.as_str()?;
    Some(format!("keys are of the form `{pattern}`"))
}

/// Whether the schema's author says more of it than its parts do.
pub(super) fn has_reason(schema: &Value) -> bool {
    schema.get(REASON).is_some()
}

/// What the schema's author has to say when it is broken.
fn reason(schema: &Value) -> Option<String> {
    schema.get(REASON).and_then(Value::as_str).map(str::to_owned)
}

fn description(schema: &Value) -> Option<String> {
    schema.get("description").and_then(Value::as_str).map(first_sentence)
}

fn member_description(schema: &Value, member: &str) -> Option<String> {
    description(schema.get("properties")?.get(member)?).map(|words| format!("`{member}`: {words}"))
}

fn first_sentence(text: &str) -> String {
    let line = text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    line.strip_suffix('.').unwrap_or(&line).to_owned()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number",
        Value::Number(_) => "an integer",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

fn spoken(schema_type: &str) -> &str {
    match schema_type {
        "boolean" => "a boolean (`true` or `false`)",
        "integer" => "an integer",
        "number" => "a number",
        "string" => "a text",
        "array" => "a list",
        "object" => "a mapping",
        other => other,
    }
}

fn name(pointer: &str) -> String {
    match pointer.rsplit_once('/') {
        None => "the document".to_owned(),
        Some((_, last)) => format!("`{}`", last.replace("~1", "/").replace("~0", "~")),
    }
}

fn within(pointer: &str) -> String {
    if pointer.is_empty() { String::new() } else { format!(" in {}", name(pointer)) }
}

fn one_of(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(" or ")
}

fn list(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.collect();
    if names.len() > MOST_NAMES {
        let more = names.len() - MOST_NAMES;
        names.truncate(MOST_NAMES);
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}
