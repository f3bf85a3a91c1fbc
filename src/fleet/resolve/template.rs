//! `${…}` inside texts: what it refers to, and what stands there once it is filled in.

use serde_json::Value;

use super::{facts::Tags, secrets::Secrets};
use crate::{component::nearest, twin::Map};

/// Where a reference looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Reference<'t> {
    /// `${device.id}`
    DeviceId,
    /// `${tags.x.y}`
    Tag(&'t str),
    /// `${vars.x}`
    Var(&'t str),
    /// `${secret.NAME}`
    Secret(&'t str),
}

/// A stretch of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    Text(&'t str),
    Reference(Reference<'t>),
}

/// Why a text cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) rule: &'static str,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Fault {
    fn new(rule: &'static str, message: String, help: impl Into<Option<String>>) -> Self {
        Self { rule, message, help: help.into() }
    }
}

/// Cuts a text into its pieces. `$${` is a literal `${`; a lone `$` is itself.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Fault> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.push(Piece::Text(&rest[..at - 1]));
            out.push(Piece::Text("${"));
            rest = &rest[at + 2..];
            continue;
        }
        let (before, inside) = (&rest[..at], &rest[at + 2..]);
        let Some(end) = inside.find('}') else {
            let help = "close it with `}`, or write `$${` for a literal `${`".to_owned();
            return Err(Fault::new("invalid-reference", format!("`${{{inside}` is not closed"), help));
        };
        out.push(Piece::Text(before));
        out.push(Piece::Reference(reference(&inside[..end])?));
        rest = &inside[end + 1..];
    }
    out.push(Piece::Text(rest));
    out.retain(|piece| *piece != Piece::Text(""));
    Ok(out)
}

fn reference(inside: &str) -> Result<Reference<'_>, Fault> {
    let (root, rest) = inside.split_once('.').unwrap_or((inside, ""));
    let named = !rest.is_empty() && rest.split('.').all(|key| !key.is_empty());
    match root {
        "device" if rest == "id" => Ok(Reference::DeviceId),
        "tags" if named => Ok(Reference::Tag(rest)),
        "vars" if named => Ok(Reference::Var(rest)),
        "secret" if named => Ok(Reference::Secret(rest)),
        _ => {
            let known = nearest(root, ["device", "tags", "vars", "secret"]).filter(|_| named);
            let help = match known {
                Some("device") => "did you mean `${device.id}`?".to_owned(),
                Some(known) => format!("did you mean `${{{known}.{rest}}}`?"),
                None => "`${device.id}`, `${tags.NAME}`, `${vars.NAME}` and `${secret.NAME}` can be filled in; \
                         `$${` is a literal `${`"
                    .to_owned(),
            };
            Err(Fault::new("invalid-reference", format!("`${{{inside}}}` refers to nothing"), help))
        }
    }
}

/// What references are looked up in.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) id: &'a str,
    pub(super) tags: Tags<'a>,
    pub(super) vars: &'a Map,
    pub(super) secrets: &'a Secrets,
}

/// A text filled in, and whether a secret went into it.
pub(super) struct Filled {
    pub(super) value: Value,
    pub(super) secret: bool,
}

/// Fills a text in. A text that is one reference and nothing else takes that value's JSON type.
pub(super) fn fill(text: &str, scope: &Scope<'_>) -> Result<Filled, Fault> {
    let pieces = pieces(text)?;
    let secret = pieces.iter().any(|piece| matches!(piece, Piece::Reference(Reference::Secret(_))));
    if let [Piece::Reference(only)] = pieces.as_slice() {
        return Ok(Filled { value: look_up(*only, scope)?, secret });
    }
    let mut out = String::with_capacity(text.len());
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Reference(reference) => match look_up(reference, scope)? {
                Value::String(text) => out.push_str(&text),
                value @ (Value::Number(_) | Value::Bool(_)) => out.push_str(&value.to_string()),
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    let message = format!("`{}` is no single value and cannot stand inside a text", spelt(reference));
                    let help = "make it the whole text, or refer to one of its members".to_owned();
                    return Err(Fault::new("invalid-reference", message, help));
                }
            },
        }
    }
    Ok(Filled { value: Value::String(out), secret })
}

fn look_up(reference: Reference<'_>, scope: &Scope<'_>) -> Result<Value, Fault> {
    match reference {
        Reference::DeviceId => Ok(Value::from(scope.id)),
        Reference::Tag(path) => scope.tags.get(path.split('.')).cloned().ok_or_else(|| no_tag(path)),
        Reference::Var(path) => variable(scope.vars, path).cloned().ok_or_else(|| no_variable(scope.vars, path)),
        Reference::Secret(name) => scope.secrets.get(name).map(Value::String).ok_or_else(|| no_secret(name)),
    }
}

/// The variable at a dotted path.
pub(super) fn variable<'v>(vars: &'v Map, path: &str) -> Option<&'v Value> {
    let mut keys = path.split('.');
    let first = vars.get(keys.next()?)?;
    keys.try_fold(first, |value, key| value.as_object()?.get(key))
}

fn no_tag(path: &str) -> Fault {
    let help = format!("set `tags.{path}` on the device, or narrow `where` with IS_DEFINED(tags.{path})");
    Fault::new("missing-tag", format!("the device has no tag `{path}`"), help)
}

fn no_variable(vars: &Map, path: &str) -> Fault {
    let help = match nearest(path, vars.keys().map(String::as_str)) {
        Some(near) => format!("did you mean `${{vars.{near}}}`?"),
        None => format!("add `{path}` to `spec.vars` of the Fleet document"),
    };
    Fault::new("missing-variable", format!("no variable is called `{path}`"), help)
}

fn no_secret(name: &str) -> Fault {
    let help = format!("set the environment variable TWINOPS_SECRET_{name}");
    Fault::new("missing-variable", format!("no secret is called `{name}`"), help)
}

fn spelt(reference: Reference<'_>) -> String {
    match reference {
        Reference::DeviceId => "${device.id}".to_owned(),
        Reference::Tag(path) => format!("${{tags.{path}}}"),
        Reference::Var(path) => format!("${{vars.{path}}}"),
        Reference::Secret(name) => format!("${{secret.{name}}}"),
    }
}
