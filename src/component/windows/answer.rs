//! How the client tells the state of a component, as the member `lastChange` beside its values.

use serde::{Deserialize, Serialize};

/// The last attempt to apply a component (Windows reference 3.7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LastChange {
    /// When, in the device's local time, ISO 8601 with an offset.
    pub time: String,
    /// How it went.
    pub state: State,
    /// Which layer failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub err_sub_system: Option<ErrorSource>,
    /// The failure's code: a signed HRESULT, a Win32 or an OMA code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub err_code: Option<i64>,
    /// The failure in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub err_context: Option<String>,
}

/// How an attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not done yet.
    Pending,
    /// Done.
    Completed,
    /// Given up.
    Failed,
}

/// Which layer an error came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub enum ErrorSource {
    /// The client itself.
    DeviceManagement,
    /// Windows.
    Win32,
    /// It cannot tell.
    #[serde(other)]
    Unknown,
}
