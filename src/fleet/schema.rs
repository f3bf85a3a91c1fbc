//! Whether a value has the shape that its schema demands. Validators are compiled once, when first needed, and shared
//! by all threads.

use std::{
    collections::BTreeMap,
    sync::{LazyLock, OnceLock},
};

use jsonschema::{
    JsonType, PatternOptions, ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::Value;

use super::{
    explain::{self, Fault, Violation, What},
    kind::Kind,
};
use crate::component::{ComponentSchema, Registry};

/// A schema and its validator.
#[derive(Debug)]
struct Compiled {
    schema: Value,
    validator: Validator,
}

/// Which values are let pass until they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// As one document writes it: parts may be missing, `null` and `${…}` stand for anything.
    Part,
    /// As the device gets it.
    Whole,
}

/// The components that a fleet may use, each with its validators.
#[derive(Debug, Default)]
pub struct Components {
    registry: Registry,
    known: BTreeMap<String, Component>,
}

#[derive(Debug)]
struct Component {
    description: ComponentSchema,
    part: OnceLock<Result<Compiled, String>>,
    whole: OnceLock<Result<Compiled, String>>,
}

/// The faults of a document of this kind.
pub(super) fn check_document(kind: Kind, document: &Value) -> Vec<Fault> {
    static KINDS: LazyLock<Vec<Compiled>> = LazyLock::new(|| {
        let compile = |kind: Kind| Compiled::new(kind.schema()).expect("our own schema compiles: a test does so");
        Kind::ALL.into_iter().map(compile).collect()
    });
    KINDS[kind as usize].check(document, Mode::Whole)
}

/// What is wrong with a value by a schema that is used once.
///
/// # Errors
/// When the schema is none.
pub fn check_once(schema: Value, value: &Value) -> Result<Vec<Fault>, String> {
    Compiled::new(schema).map(|compiled| compiled.check(value, Mode::Whole))
}

/// Whether a text would satisfy what a schema says of texts; what it says of anything else is left aside.
pub(super) fn takes_text(schema: &Value, text: &str) -> bool {
    const OF_TEXTS: [&str; 6] = ["pattern", "enum", "const", "minLength", "maxLength", "format"];
    let keywords = OF_TEXTS.into_iter().filter_map(|name| Some((name.to_owned(), schema.get(name)?.clone())));
    let compiled = Compiled::new(Value::Object(keywords.collect()));
    compiled.is_ok_and(|compiled| compiled.validator.is_valid(&Value::from(text)))
}

impl Components {
    /// Those of a registry. Nothing is compiled yet.
    pub fn new(registry: &Registry) -> Self {
        let component = |description: &ComponentSchema| Component {
            description: description.clone(),
            part: OnceLock::new(),
            whole: OnceLock::new(),
        };
        let known = registry.iter().map(|schema| (schema.name.clone(), component(schema))).collect();
        Self { registry: registry.clone(), known }
    }

    /// The components' descriptions.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Why the schema of a component cannot be used.
    pub fn unusable(&self, name: &str) -> Option<&str> {
        self.known.get(name)?.whole().err()
    }

    /// The faults of one document's part of the component at this path: nothing need be there, `null` and texts with
    /// `${` pass.
    pub fn check_part(&self, path: &str, value: &Value) -> Vec<Fault> {
        let meant = self.registry.describing(path, value).and_then(|schema| self.known.get(&schema.name));
        let compiled = meant.and_then(|component| component.part().ok());
        compiled.map(|compiled| compiled.check(value, Mode::Part)).unwrap_or_default()
    }

    /// The faults of the component of this name as a device gets it: merged, filled in, nulls taken out. Messages never repeat a value,
    /// since it may hold a secret.
    pub fn check_resolved(&self, name: &str, value: &Value) -> Vec<Fault> {
        let compiled = self.known.get(name).and_then(|component| component.whole().ok());
        compiled.map(|compiled| compiled.check(value, Mode::Whole)).unwrap_or_default()
    }
}

impl Component {
    fn part(&self) -> Result<&Compiled, &str> {
        let compile = || Compiled::new(self.description.partial.clone());
        self.part.get_or_init(compile).as_ref().map_err(String::as_str)
    }

    fn whole(&self) -> Result<&Compiled, &str> {
        let compile = || Compiled::new(self.description.schema.clone());
        self.whole.get_or_init(compile).as_ref().map_err(String::as_str)
    }
}

impl Compiled {
    fn new(schema: Value) -> Result<Self, String> {
        // The plain engine is linear in time and several times faster; the other one is for patterns that look around.
        let plain = jsonschema::options().offline().with_pattern_options(PatternOptions::regex());
        match plain.build(&schema).or_else(|_| jsonschema::options().offline().build(&schema)) {
            Ok(validator) => Ok(Self { schema, validator }),
            Err(error) => Err(error.to_string()),
        }
    }

    fn check(&self, value: &Value, mode: Mode) -> Vec<Fault> {
        if self.validator.is_valid(value) {
            return Vec::new();
        }
        let mut faults = Vec::new();
        self.validator.iter_errors(value).for_each(|error| self.explain(&error, mode, &mut faults));
        faults.sort();
        faults.dedup();
        faults
    }

    /// Adds what is really wrong: for a choice, what is wrong with the branch that was meant.
    fn explain(&self, error: &ValidationError<'_>, mode: Mode, faults: &mut Vec<Fault>) {
        if mode == Mode::Part && is_open(error) {
            return;
        }
        if let ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } = error.kind() {
            if let Some((at, options)) = choice(context) {
                return self.tell(at, What::NoneOf(options), faults);
            }
            if let Some(branch) = meant(error, context).filter(|_| !explain::has_reason(self.around(error))) {
                return branch.iter().for_each(|inner| self.explain(inner, mode, faults));
            }
        }
        self.tell(error, what(error), faults);
    }

    fn tell(&self, error: &ValidationError<'_>, what: What<'_>, faults: &mut Vec<Fault>) {
        let pointer = error.instance_path().as_str();
        let violation = Violation { pointer, found: error.instance(), schema: self.around(error), what };
        explain::explain(&violation, faults);
    }

    /// The schema that the broken keyword stands in.
    fn around(&self, error: &ValidationError<'_>) -> &Value {
        let (parent, _) = error.schema_path().as_str().rsplit_once('/').unwrap_or_default();
        self.schema.pointer(parent).unwrap_or(&Value::Null)
    }
}

/// A choice between plain values, or between tags: every branch faults the same value for not being its own. Gives all
/// values that would do, and one of the faults.
fn choice<'e>(branches: &'e [Vec<ValidationError<'static>>]) -> Option<(&'e ValidationError<'static>, Vec<Value>)> {
    let mut found: Option<&ValidationError<'static>> = None;
    let mut options = Vec::new();
    for faults in branches {
        let fault = faults.iter().find(|fault| match found {
            Some(first) => !expected(fault).is_empty() && first.instance_path() == fault.instance_path(),
            None => !expected(fault).is_empty(),
        })?;
        options.extend_from_slice(expected(fault));
        found = found.or(Some(fault));
    }
    Some((found?, options))
}

/// The values that would do, for a fault of that kind.
fn expected<'e>(fault: &'e ValidationError<'_>) -> &'e [Value] {
    match fault.kind() {
        ValidationErrorKind::Constant { expected_value } => std::slice::from_ref(expected_value),
        ValidationErrorKind::Enum { options } => options.as_array().map(Vec::as_slice).unwrap_or_default(),
        _ => &[],
    }
}

/// Whether the value is one that cannot be judged before it is merged and filled in.
fn is_open(error: &ValidationError<'_>) -> bool {
    let found = error.instance();
    found.is_null()
        || found.as_str().is_some_and(|text| text.contains("${"))
        || matches!(error.kind(), ValidationErrorKind::Required { .. } | ValidationErrorKind::MinProperties { .. })
}

/// The branch of a choice that the writer meant: the one whose fault lies deepest, and of those the one with fewest.
/// A tag that fits is no fault, so the branch with the right tag has its faults below or beside it.
fn meant<'e>(
    error: &ValidationError<'_>,
    branches: &'e [Vec<ValidationError<'static>>],
) -> Option<&'e Vec<ValidationError<'static>>> {
    let here = error.instance_path().as_str().len();
    let is_other = |fault: &ValidationError<'_>| {
        let at = fault.instance_path().as_str();
        let is_type = matches!(fault.kind(), ValidationErrorKind::Type { .. }) && at.len() == here;
        let is_tag = !expected(fault).is_empty() && matches!(at.get(here..), Some("/type" | "/kind" | "/state"));
        is_type || is_tag
    };
    let mut candidates = branches.iter().filter(|faults| !faults.is_empty() && !faults.iter().any(is_other));
    let first = candidates.next();
    let rest: Vec<_> = candidates.collect();
    if rest.is_empty() { first } else { first.into_iter().chain(rest).min_by_key(|faults| faults.len()) }
}

fn what<'e>(error: &'e ValidationError<'_>) -> What<'e> {
    use ValidationErrorKind as Kind;
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            What::Unknown(unexpected)
        }
        Kind::Required { property } => What::Missing(property.as_str().unwrap_or_default()),
        Kind::Type { kind: TypeKind::Single(one) } => What::Type(vec![one.as_str()]),
        Kind::Type { kind: TypeKind::Multiple(set) } => What::Type(set.iter().map(JsonType::as_str).collect()),
        Kind::Enum { .. } | Kind::Constant { .. } => What::NoneOf(expected(error).to_vec()),
        Kind::Pattern { pattern } => What::Pattern(pattern),
        Kind::Format { format } => What::Format(format),
        Kind::Minimum { limit } => What::Bound("at least", limit.to_string()),
        Kind::Maximum { limit } => What::Bound("at most", limit.to_string()),
        Kind::ExclusiveMinimum { limit } => What::Bound("more than", limit.to_string()),
        Kind::ExclusiveMaximum { limit } => What::Bound("less than", limit.to_string()),
        Kind::MinLength { limit } => What::Size("at least", *limit, "character"),
        Kind::MaxLength { limit } => What::Size("at most", *limit, "character"),
        Kind::MinItems { limit } => What::Size("at least", *limit, "item"),
        Kind::MaxItems { limit } => What::Size("at most", *limit, "item"),
        Kind::MinProperties { limit } => What::Size("at least", *limit, "member"),
        Kind::MaxProperties { limit } => What::Size("at most", *limit, "member"),
        Kind::PropertyNames { error } => What::Key(error.instance().as_str().unwrap_or_default()),
        Kind::FalseSchema | Kind::Not { .. } => What::Forbidden,
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => What::NoBranch,
        _ => What::Other(error.masked().to_string()),
    }
}

#[cfg(test)]
mod tests;
