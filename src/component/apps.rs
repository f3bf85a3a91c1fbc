//! The component `apps`: which programs are installed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::artifact::{Artifact, Presence};

/// The programs of a device, by ids of your choice. What is not listed stays as it is.
pub type Apps = BTreeMap<String, App>;

/// One program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(transform = needs_version))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct App {
    /// How it is packaged. `msix`, `msi`, `exe` and `winget` are for Windows, the others for Linux.
    pub r#type: AppType,
    /// What the package is called: package family name, product code, name of the package, image.
    #[cfg_attr(feature = "cli", schemars(length(min = 1, max = 512)))]
    pub name: String,
    /// Its version, exactly. Needed unless the program is to be absent.
    #[cfg_attr(feature = "cli", schemars(length(min = 1, max = 128)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether it is installed; `present` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Presence>,
    /// The package. Not given: the system's own sources have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Artifact>,
    /// Digest of a container's image, `sha256:` and 64 hexadecimal digits.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^sha256:[0-9a-f]{64}$")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Packages that are installed before it.
    #[cfg_attr(feature = "cli", schemars(length(max = 32)))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Artifact>,
    /// The certificate that the package is signed with, by its id in `certificates`.
    #[cfg_attr(feature = "cli", schemars(regex(pattern = super::artifact::ID)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// How it starts; `none` when not given. One program of a device has the foreground.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<AppStartup>,
    /// Whether it runs now. Left alone when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_run_state: Option<RunState>,
    /// Seconds that an installation may take; 900 when not given.
    #[cfg_attr(feature = "cli", schemars(range(min = 10, max = 86_400)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// Programs that come before this one, by their ids.
    #[cfg_attr(feature = "cli", schemars(length(max = 32)))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
}

/// How a program is packaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum AppType {
    /// A package of the Windows Store's kind.
    Msix,
    /// A Windows Installer package.
    Msi,
    /// A program that installs.
    Exe,
    /// A package of the Windows Package Manager.
    Winget,
    /// A Debian package.
    Deb,
    /// An OCI image.
    Container,
    /// A `.tar.gz` with a program inside.
    Archive,
    /// A Flatpak.
    Flatpak,
    /// A snap.
    Snap,
}

/// How a program starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum AppStartup {
    /// Not by itself.
    None,
    /// With the system, unseen.
    Background,
    /// As the one program on the screen.
    Foreground,
}

/// Whether a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum RunState {
    /// It does.
    Running,
    /// It does not.
    Stopped,
}

#[cfg(feature = "cli")]
fn needs_version(schema: &mut schemars::Schema) {
    schema.insert(
        "if".to_owned(),
        serde_json::json!({"required": ["state"], "properties": {"state": {"const": "absent"}}}),
    );
    schema.insert(
        "else".to_owned(),
        serde_json::json!({
            "required": ["version"],
            "x-twinops-reason": "a program is installed at an exact version; write `version`, or `state: absent`",
        }),
    );
}
