//! Values of twins as text.

use serde::Serialize;
use serde_json::Value;

use super::escape::plain;

/// What stands where a value must not be shown.
pub(crate) const SECRET: &str = "(secret)";
/// Longest one-line rendering, in characters; what is longer is shown as a diff or cut.
const LINE: usize = 72;
/// How much two long lines have in common before the common part is left out, in characters.
const CONTEXT: usize = 16;

/// A value, or why none is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Shown<'a> {
    /// There is none.
    Nothing,
    /// There is one that nobody may see.
    Secret,
    /// This.
    Value(&'a Value),
}

impl<'a> Shown<'a> {
    pub(crate) fn new(value: Option<&'a Value>, secret: bool) -> Self {
        match value {
            None => Self::Nothing,
            Some(_) if secret => Self::Secret,
            Some(value) => Self::Value(value),
        }
    }

    /// For members of a JSON view: left out when there is nothing.
    pub(crate) fn some(self) -> Option<Self> {
        (self != Self::Nothing).then_some(self)
    }

    /// The whole value on one line.
    fn full(self) -> String {
        match self {
            Self::Nothing => "(nothing)".to_owned(),
            Self::Secret => SECRET.to_owned(),
            Self::Value(value) => plain(&value.to_string()),
        }
    }

    /// On one line, cut when it is long.
    pub(crate) fn line(self) -> String {
        cut(&self.full(), 0)
    }

    /// Whether one line would not do it justice.
    pub(crate) fn is_long(self) -> bool {
        match self {
            Self::Value(Value::String(text)) => text.trim_end().contains('\n'),
            Self::Value(value @ (Value::Object(_) | Value::Array(_))) => value.to_string().chars().count() > LINE,
            Self::Nothing | Self::Secret | Self::Value(_) => false,
        }
    }

    /// On as many lines as it takes.
    pub(crate) fn lines(self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Value(Value::String(text)) => text.lines().map(plain).collect::<Vec<_>>().join("\n"),
            Self::Value(value @ (Value::Object(_) | Value::Array(_))) => {
                let pretty = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
                pretty.lines().map(plain).collect::<Vec<_>>().join("\n")
            }
            Self::Secret | Self::Value(_) => self.full(),
        }
    }
}

/// In JSON a value is itself; a secret is the text `(secret)`.
impl Serialize for Shown<'_> {
    fn serialize<S: serde::Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => output.serialize_unit(),
            Self::Secret => output.serialize_str(SECRET),
            Self::Value(value) => value.serialize(output),
        }
    }
}

/// Any value of a twin.
impl schemars::JsonSchema for Shown<'_> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::Schema::default()
    }
}

/// Two values on one line each; of long ones the part where they begin to differ.
pub(crate) fn pair(from: Shown<'_>, to: Shown<'_>) -> (String, String) {
    let (from, to) = (from.full(), to.full());
    let common = from.chars().zip(to.chars()).take_while(|(a, b)| a == b).count();
    let is_long = from.chars().count().max(to.chars().count()) > LINE;
    let skip = if is_long && common > 2 * CONTEXT { common - CONTEXT } else { 0 };
    (cut(&from, skip), cut(&to, skip))
}

/// `text` without its first `skip` characters and with no more than a line's worth; what is left out is marked.
fn cut(text: &str, skip: usize) -> String {
    let total = text.chars().count();
    let head = if skip > 0 { "…" } else { "" };
    if total - skip <= LINE {
        return format!("{head}{}", text.chars().skip(skip).collect::<String>());
    }
    let shown: String = text.chars().skip(skip).take(LINE).collect();
    format!("{head}{shown}… ({total} characters)")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        let secret = json!("hunter2");
        let shown = Shown::new(Some(&secret), true);
        assert_eq!((shown.line(), shown.lines()), ("(secret)".into(), "(secret)".into()));
        assert_eq!(serde_json::to_value(shown).unwrap(), json!("(secret)"));
        assert_eq!(Shown::new(None, true), Shown::Nothing);
    }

    #[test]
    fn long_lines_are_shown_where_they_part() {
        let (a, b) = (json!(format!("{}one", "x".repeat(100))), json!(format!("{}two", "x".repeat(100))));
        let (from, to) = pair(Shown::Value(&a), Shown::Value(&b));
        assert_eq!(from, "…xxxxxxxxxxxxxxxxone\"");
        assert_eq!(to, "…xxxxxxxxxxxxxxxxtwo\"");
    }

    proptest! {
        #[test]
        fn any_pair_can_be_shown(a in any::<String>(), b in any::<String>()) {
            let (a, b) = (json!(a), json!(b));
            let (from, to) = pair(Shown::Value(&a), Shown::Value(&b));
            prop_assert!(from.chars().count() < 2 * LINE && to.chars().count() < 2 * LINE);
        }
    }
}
