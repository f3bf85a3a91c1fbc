//! `windows.externalStorage`: where files of other components come from.

use serde::{Deserialize, Serialize};

/// The Azure Storage account that `container\file` in other components means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalStorage {
    /// The account's connection string, with its key: write `${secret.NAME}`. The client repeats it in clear text in
    /// the reported properties, so let the key belong to an account that holds nothing else.
    #[cfg_attr(
        feature = "cli",
        schemars(regex(pattern = r"AccountName=.*AccountKey=|SharedAccessSignature="), extend("x-twinops-sensitive" = true))
    )]
    pub connection_string: String,
}
