//! What of a device is not as git says, as text for a table. Bounded: a device decides how long its values are.

use crate::plan::{DeviceVerdict, PropertyVerdict, Verdict};
use serde_json::Value;

/// Longest text of a value that is kept, in characters.
const LONGEST: usize = 160;
/// Most properties of one device.
const MOST: usize = 10;

/// One property that is not as git says.
#[derive(Debug, Clone)]
pub(in crate::portal) struct Detail {
    pub(in crate::portal) path: String,
    pub(in crate::portal) verdict: Verdict,
    pub(in crate::portal) wanted: String,
    pub(in crate::portal) live: String,
    pub(in crate::portal) reported: String,
    pub(in crate::portal) since: Option<String>,
    pub(in crate::portal) message: Option<String>,
}

impl Detail {
    fn of(property: &PropertyVerdict) -> Self {
        let text = |value: Option<&Value>| shown(value, property.secret);
        let by = property.by.as_ref().map(|by| format!("by the configuration {by}"));
        Self {
            path: property.path.to_string(),
            verdict: property.verdict,
            wanted: text(property.wanted.as_ref()),
            live: text(property.live.as_ref()),
            reported: text(property.reported.as_ref()),
            since: property.since.clone(),
            message: property.message.as_deref().map(cut).or(by),
        }
    }
}

/// The properties of a device that have left what git says.
pub(super) fn of(device: &DeviceVerdict) -> Vec<Detail> {
    let drifted = device.properties.iter().filter(|property| property.verdict.is_drift());
    drifted.take(MOST).map(Detail::of).collect()
}

/// A value as text, cut when it is long; nothing for none.
pub(in crate::portal) fn shown(value: Option<&Value>, secret: bool) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(_) if secret => "(secret)".to_owned(),
        Some(Value::String(text)) => cut(text),
        Some(value) => cut(&value.to_string()),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
