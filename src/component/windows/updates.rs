//! `windows.windowsUpdates`: which updates may be installed.

use serde::{Deserialize, Serialize};

/// Which update may be installed. Windows asks for an approval only where its policy demands one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WindowsUpdates {
    /// The GUID of one update. An approval cannot be taken back; without this member the client would approve an
    /// update called `<not found>`.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = super::GUID)))]
    pub approved: String,
}
