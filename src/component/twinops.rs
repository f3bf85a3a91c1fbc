//! The component `twinops`: what the reconciler tells the agent. Documents do not set it.

use serde::{Deserialize, Serialize};

/// What the reconciler tells the agent. The reconciler writes it; documents leave it alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Twinops {
    /// The commit that the desired properties come from. Its answer means: all of it is applied here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}
