//! From JSON Schema to a schema of the language.

use serde_json::{Map, Value, json};

use super::{LONGEST_TEXT, Version, cut};

/// How deep complex schemas may lie in each other.
const DEEPEST: usize = 5;
/// Most values of an enumeration, and most fields of an object, that version 2 takes.
const MOST_VALUES: usize = 100;
const MOST_FIELDS: usize = 30;

/// Writes schemas, and keeps a list of what could not be said.
pub(super) struct Writer<'s> {
    version: Version,
    root: &'s Value,
    way: Vec<String>,
    /// Ways to members that were left out, and why.
    pub(super) left: Vec<String>,
}

/// Longest name, in characters.
const fn longest(version: Version) -> usize {
    match version {
        Version::V2 => 64,
        Version::V3 => 512,
    }
}

/// Whether a member may be called so: letters, digits and `_`, a letter first and no `_` last.
pub(super) fn is_name(text: &str, version: Version) -> bool {
    let formed = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let ends = text.starts_with(|c: char| c.is_ascii_alphabetic()) && !text.ends_with('_');
    formed && ends && text.len() <= longest(version)
}

/// A text made into a name that is never sent: `wpa2-psk` is `wpa2_psk`, and `-5` is `v5`.
pub(super) fn name(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let plain = plain.trim_matches('_');
    if plain.starts_with(|c: char| c.is_ascii_alphabetic()) { plain.to_owned() } else { format!("v{plain}") }
}

impl<'s> Writer<'s> {
    /// For a component with this schema.
    pub(super) fn new(version: Version, root: &'s Value) -> Self {
        Self { version, root, way: Vec::new(), left: Vec::new() }
    }

    /// Name, schema and words of a member; `None` when it cannot be told.
    pub(super) fn named(&mut self, name: &str, schema: &Value, depth: usize) -> Option<Map<String, Value>> {
        if !is_name(name, self.version) {
            self.way.push(name.to_owned());
            return self.leave_out("its name");
        }
        let told = self.schema(schema, name, depth)?;
        let mut out = Map::from_iter([("name".to_owned(), name.into()), ("schema".to_owned(), told)]);
        if let Some(words) = schema.get("description").and_then(Value::as_str).filter(|words| !words.is_empty()) {
            out.insert("description".to_owned(), cut(words, LONGEST_TEXT).into());
        }
        Some(out)
    }

    /// The schema of what stands at `step`. `depth` counts complex schemas from the outermost, which is 1.
    pub(super) fn schema(&mut self, schema: &Value, step: &str, depth: usize) -> Option<Value> {
        self.way.push(step.to_owned());
        let told = match schema.get("$ref").and_then(Value::as_str) {
            Some(to) => match to.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) {
                // A schema that refers to itself comes to an end here too.
                Some(target) if self.way.len() < 2 * DEEPEST => self.value(target, depth),
                _ => return self.leave_out("a reference"),
            },
            None => self.value(schema, depth),
        };
        // What is left out has taken its own step back.
        if told.is_some() {
            self.way.pop();
        }
        told
    }

    fn value(&mut self, schema: &Value, depth: usize) -> Option<Value> {
        if let Some(values) = values(schema) {
            return self.enumeration(&values, schema, depth);
        }
        match kind(schema) {
            Some("string") => Some(text(schema).into()),
            Some("boolean") => Some("boolean".into()),
            Some("integer") => Some(integer(schema).into()),
            Some("number") => Some("double".into()),
            Some("array") => self.array(schema, depth),
            Some("object") => self.object(schema, depth),
            _ => self.leave_out("several forms"),
        }
    }

    fn enumeration(&mut self, values: &[&Value], schema: &Value, depth: usize) -> Option<Value> {
        let texts = values.iter().all(|value| value.is_string());
        let numbers = values.iter().all(|value| value.as_i64().is_some_and(|n| i32::try_from(n).is_ok()));
        let plain = if texts { "string" } else { "integer" };
        if !texts && !numbers {
            return self.leave_out("several forms");
        }
        // Fewer values would be wrong, and any value of the type is right.
        if depth > DEEPEST || (self.version == Version::V2 && values.len() > MOST_VALUES) {
            return Some(plain.into());
        }
        let words = schema.get("markdownEnumDescriptions").and_then(Value::as_array);
        let mut names = std::collections::BTreeSet::new();
        let mut all = Vec::new();
        for (at, value) in values.iter().enumerate() {
            let mut label = name(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            label.truncate(longest(self.version) - 4);
            let mut unique = label.trim_end_matches('_').to_owned();
            while !names.insert(unique.clone()) {
                unique = format!("{label}{}", names.len());
            }
            let mut told = json!({ "name": unique, "enumValue": value });
            let words = words.and_then(|words| words.get(at)?.as_str()).filter(|words| !words.is_empty());
            if let Some(words) = words {
                told["description"] = cut(words, LONGEST_TEXT).into();
            }
            all.push(told);
        }
        Some(json!({ "@type": "Enum", "valueSchema": plain, "enumValues": all }))
    }

    fn array(&mut self, schema: &Value, depth: usize) -> Option<Value> {
        if self.version == Version::V2 {
            return self.leave_out("a list");
        }
        if depth > DEEPEST {
            return self.leave_out("too deep");
        }
        let Some(items) = schema.get("items").filter(|items| items.is_object()) else {
            return self.leave_out("a list");
        };
        let told = self.schema(items, "[]", depth + 1);
        let Some(told) = told else { return self.gone() };
        Some(json!({ "@type": "Array", "elementSchema": told }))
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return self.leave_out("too deep");
        }
        match schema.get("properties").and_then(Value::as_object).filter(|members| !members.is_empty()) {
            Some(members) => self.fields(members, depth),
            None => self.map(schema, depth),
        }
    }

    fn fields(&mut self, members: &Map<String, Value>, depth: usize) -> Option<Value> {
        let mut fields: Vec<Value> = Vec::new();
        for (name, schema) in members {
            if self.version == Version::V2 && fields.len() == MOST_FIELDS {
                self.way.push(name.clone());
                self.leave_out::<()>("too many");
                continue;
            }
            fields.extend(self.named(name, schema, depth + 1).map(Value::Object));
        }
        if fields.is_empty() { self.gone() } else { Some(json!({ "@type": "Object", "fields": fields })) }
    }

    fn map(&mut self, schema: &Value, depth: usize) -> Option<Value> {
        let by_pattern = schema.get("patternProperties").and_then(Value::as_object);
        let mut entries = by_pattern.into_iter().flat_map(Map::values).chain(schema.get("additionalProperties"));
        let Some(entry) = entries.find(|entry| entry.is_object()) else { return self.leave_out("any members") };
        let Some(told) = self.schema(entry, "*", depth + 1) else { return self.gone() };
        Some(json!({
            "@type": "Map",
            "mapKey": { "name": "id", "schema": "string" },
            "mapValue": { "name": "entry", "schema": told },
        }))
    }

    /// Notes what the way leads to, and takes the last step back.
    fn leave_out<T>(&mut self, why: &str) -> Option<T> {
        self.left.push(format!("{} ({why})", self.way.join(".")));
        self.gone()
    }

    /// Takes the last step back: what lay there has been noted.
    fn gone<T>(&mut self) -> Option<T> {
        self.way.pop();
        None
    }
}

/// The only values that there are.
fn values(schema: &Value) -> Option<Vec<&Value>> {
    let listed = schema.get("enum").and_then(Value::as_array).map(|values| values.iter().collect());
    listed.or_else(|| schema.get("const").map(|value| vec![value]))
}

/// The type, of those that are no null the only one.
fn kind(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(one) => Some(one),
        Value::Array(several) => {
            let mut kinds = several.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            let first = kinds.next()?;
            kinds.next().is_none().then_some(first)
        }
        _ => None,
    }
}

fn text(schema: &Value) -> &'static str {
    match schema.get("format").and_then(Value::as_str) {
        Some("date") => "date",
        Some("date-time") => "dateTime",
        Some("duration") => "duration",
        Some("time") => "time",
        _ => "string",
    }
}

/// Four bytes where the bounds or the format say that they are enough.
fn integer(schema: &Value) -> &'static str {
    let bound = |keyword: &str| schema.get(keyword).map(|bound| bound.as_i64().and_then(|n| i32::try_from(n).ok()));
    let small =
        matches!(schema.get("format").and_then(Value::as_str), Some("int8" | "uint8" | "int16" | "uint16" | "int32"));
    let bounded = matches!((bound("minimum"), bound("maximum")), (Some(Some(_)), Some(Some(_))));
    if small || bounded { "integer" } else { "long" }
}
