//! The component `diagnostics`: logs that a device collects.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a device logs, by ids of your choice. The files are fetched and deleted by commands.
pub type Diagnostics = BTreeMap<String, Collector>;

/// One collector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Collector {
    /// Whether it collects. Stopping it writes the file.
    pub state: CollectorState,
    /// What happens when the file is full; `circular` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<FileMode>,
    /// The most that the file takes, in MiB, 1 to 2048; 4 when not given.
    #[cfg_attr(feature = "cli", schemars(range(min = 1, max = 2048)))]
    #[serde(rename = "maxSizeMiB", default, skip_serializing_if = "Option::is_none")]
    pub max_size_mib: Option<u32>,
    /// What is collected on Windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<WindowsSources>,
    /// What is collected on Linux.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linux: Option<LinuxSources>,
}

/// Whether a collector collects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum CollectorState {
    /// It does.
    Running,
    /// It does not.
    Stopped,
    /// It is removed.
    Absent,
}

/// What happens when a file is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum FileMode {
    /// It ends.
    Sequential,
    /// The oldest entries go.
    Circular,
}

/// What is collected on Windows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WindowsSources {
    /// Sources of events, by their GUIDs.
    #[cfg_attr(feature = "cli", schemars(transform = guids))]
    pub providers: BTreeMap<String, Provider>,
}

/// A source of events on Windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provider {
    /// Which events are taken.
    pub level: Severity,
    /// Which of the source's kinds of events are taken, as a hexadecimal mask; all when not given.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^0x[0-9A-Fa-f]{1,16}$")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keywords: Option<String>,
    /// Whether it is taken at all; it is when this is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// What is collected on Linux, from the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LinuxSources {
    /// Units of systemd.
    #[cfg_attr(feature = "cli", schemars(length(max = 64)))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<String>,
    /// Names that programs log under.
    #[cfg_attr(feature = "cli", schemars(length(max = 64)))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<String>,
    /// Whether the kernel's messages are taken; not when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<bool>,
    /// Which messages are taken; all when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Severity>,
}

/// How grave a message has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the words of every log")]
pub enum Severity {
    Critical,
    Error,
    Warning,
    Information,
    Verbose,
}

#[cfg(feature = "cli")]
fn guids(schema: &mut schemars::Schema) {
    schema.insert("propertyNames".to_owned(), serde_json::json!({"pattern": super::windows::GUID}));
}
