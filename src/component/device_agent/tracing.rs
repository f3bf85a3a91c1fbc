//! `eventTracingCollectors`: logs of what happens inside Windows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::component::windows::{LogMode, TraceLevel};

/// Logs of what happens inside Windows, by the names of their collectors.
pub type EventTracingCollectors = BTreeMap<String, Collector>;

/// One collector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(transform = without_meta))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Collector {
    /// What happens when the log is full; `sequential` when not given. Takes effect at the next start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_log_file_mode: Option<LogMode>,
    /// The most that the log takes, in MB, 1 to 2048.
    #[serde(rename = "logFileSizeLimitMB")]
    #[cfg_attr(feature = "cli", schemars(range(min = 1, max = 2048)))]
    pub log_file_size_limit_mb: u32,
    /// The folder of the log, without `/` and `\`.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^[^/\\]{1,128}$")))]
    pub log_file_folder: String,
    /// The name of the log. Empty: the collector's name with the time.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = r"^[^/\\]{0,128}$")))]
    pub log_file_name: String,
    /// Whether it collects. Stopping writes the log.
    pub started: bool,
    /// The sources of events, by their GUIDs.
    #[cfg_attr(feature = "cli", schemars(transform = guids))]
    pub providers: BTreeMap<String, Provider>,
}

/// A source of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provider {
    /// Which events are taken.
    pub trace_level: TraceLevel,
    /// Which of the source's kinds of events are taken, as a hexadecimal mask.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^(0x)?[0-9A-Fa-f]{0,16}$")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keywords: Option<String>,
    /// Whether it is taken at all.
    pub enabled: bool,
}

#[cfg(feature = "cli")]
fn guids(schema: &mut schemars::Schema) {
    schema.insert("propertyNames".to_owned(), serde_json::json!({"pattern": crate::component::windows::GUID}));
}

#[cfg(feature = "cli")]
fn without_meta(schema: &mut schemars::Schema) {
    let mut value = std::mem::take(schema).to_value();
    super::forbid(&mut value);
    if let serde_json::Value::Object(members) = value {
        *schema = members.into();
    }
}
