//! What devices report of the commands that they were given. None of it can be declared.

use serde::{Deserialize, Serialize};

use super::LastChange;

/// The sections below `reported.windows` that tell how a command went, and the method that asks for it.
pub const RESULTS: [(&str, &str); 6] = [
    ("windows.rebootCmd", "windows.rebootAsync"),
    ("windows.factoryReset", "windows.startFactoryResetAsync"),
    ("windows.remoteWipe", "windows.startRemoteWipeAsync"),
    ("windows.usoClientCmd", "windows.startUsoClientCmdAsync"),
    ("windows.manageAppLifeCycleCmd", "windows.manageAppLifeCycleAsync"),
    ("windows.dmAppStoreUpdate", "windows.startDmAppStoreUpdateAsync"),
];

/// How a command went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CommandResult {
    /// What came of it: `scheduled`, or why it was refused (`disabled`, `inActiveHours`, `rejectedByApp`); of an
    /// update from the Store `checking`, `noUpdates`, `downloadingAndInstalling`, `installed` or `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// When the Store was last asked, in local time that claims to be UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_check: Option<String>,
    /// The last attempt. A refusal is `completed` too; an update with nothing to do stays `pending` for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_change: Option<LastChange>,
}
