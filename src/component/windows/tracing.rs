//! `windows.eventTracingCollectors`: logs of what happens inside Windows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::YesNo;

/// Logs of what happens inside Windows, by the names of their collectors. Collectors and providers are never deleted
/// on the device: stop one before you no longer declare it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(transform = names))]
pub struct EventTracingCollectors {
    /// How collectors are reported that are not listed here; `minimal` when not given.
    #[serde(rename = "?", default, skip_serializing_if = "Option::is_none")]
    pub others: Option<OtherCollectors>,
    /// The collectors.
    #[serde(flatten)]
    pub collectors: BTreeMap<String, Collector>,
}

/// How collectors are reported that are not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum OtherCollectors {
    /// With all their settings.
    Detailed,
    /// By name.
    Minimal,
    /// Not at all.
    None,
}

/// One collector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(extend("x-twinops-reason" = APPLY)))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Collector {
    /// What it collects.
    pub apply_properties: Collecting,
    /// Whether the device reports its settings back; it does not when this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_properties: Option<YesNo>,
}

/// What a collector collects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "cli",
    derive(schemars::JsonSchema),
    schemars(transform = providers, extend("x-twinops-reason" = PLACE))
)]
#[serde(rename_all = "camelCase")]
pub struct Collecting {
    /// What happens when the log is full; `sequential` when not given. Takes effect at the next start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_log_file_mode: Option<LogMode>,
    /// The most that the log takes, in MB, 1 to 2048.
    #[serde(rename = "logFileSizeLimitMB")]
    #[cfg_attr(feature = "cli", schemars(range(min = 1, max = 2048), extend("x-twinops-reason" = SIZE)))]
    pub log_file_size_limit_mb: u32,
    /// The folder of the log. Empty: named after the collector.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = FILE)))]
    pub log_file_folder: String,
    /// The name of the log. Empty: the collector's name with the time.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = FILE)))]
    pub log_file_name: String,
    /// Whether it collects. Stopping writes the log.
    pub started: bool,
    /// The sources of events, by their GUIDs.
    #[serde(flatten)]
    pub providers: BTreeMap<String, Provider>,
}

/// What happens when a log is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LogMode {
    /// It ends.
    Sequential,
    /// The oldest entries go.
    Circular,
}

/// A source of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(extend("x-twinops-reason" = KIND)))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provider {
    /// The word `provider`.
    pub r#type: ProviderKind,
    /// Which events are taken; `critical` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_level: Option<TraceLevel>,
    /// Which of the source's kinds of events are taken, as a hexadecimal mask.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^(0x)?[0-9A-Fa-f]{0,16}$")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keywords: Option<String>,
    /// Whether it is taken at all; not when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// What tells a source from a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// A source of events.
    Provider,
}

/// How grave an event has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words of every log")]
pub enum TraceLevel {
    Critical,
    Error,
    Warning,
    Information,
    Verbose,
}

#[cfg(feature = "cli")]
const FILE: &str = r"^([^/\\.]|\.[^/\\.])*\.?$";
#[cfg(feature = "cli")]
const APPLY: &str = "the client fails the whole component when a collector lacks `applyProperties`, or has `no` there";
#[cfg(feature = "cli")]
const PLACE: &str =
    "the client fails the whole component without folder and file name, and takes 0 MB without a size; empty texts do";
#[cfg(feature = "cli")]
const SIZE: &str = "Windows takes 1 to 2048; the client sends 0 on and fails";
#[cfg(feature = "cli")]
const KIND: &str = "the client passes over a source without `type: provider`";

#[cfg(feature = "cli")]
fn names(schema: &mut schemars::Schema) {
    schema.insert("propertyNames".to_owned(), serde_json::json!({"pattern": r"^\?$|^[^.$\s/\\?]{1,128}$"}));
}

/// Only a GUID names a source; any other key is a mistake.
#[cfg(feature = "cli")]
fn providers(schema: &mut schemars::Schema) {
    if let Some(provider) = schema.remove("additionalProperties") {
        schema.insert("patternProperties".to_owned(), serde_json::json!({super::GUID: provider}));
        schema.insert("additionalProperties".to_owned(), false.into());
    }
}
