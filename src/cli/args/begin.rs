//! Commands that a fleet repository begins with.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{FormatWord, HubAccess, values::import_format};
use crate::twin::PropertyPath;

/// Where a repository's workflows run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Ci {
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
    /// Azure Pipelines.
    Azure,
    /// Nowhere: no workflows are written.
    None,
}

/// Of `init`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  twinops init\n  twinops init fleets/kiosks --ci gitlab\n  \
                        twinops init kiosks --hostname contoso.azure-devices.net\n\n\
                        No file is ever overwritten.")]
pub struct InitArgs {
    /// The folder of the fleet; may lie below the root of a larger repository, and is made if it is not there.
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// The fleet's name; without it, that of the folder.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The host name of the hub that holds the twins.
    #[arg(long, value_name = "HOST")]
    pub hostname: Option<String>,
    /// Where the repository's workflows run; without it, guessed from the git remote.
    #[arg(long, value_enum, value_name = "CI")]
    pub ci: Option<Ci>,
    /// Keep files that are there already, and write only the others.
    #[arg(long)]
    pub keep: bool,
}

/// Of `import`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  twinops import kiosks\n  \
                        twinops import kiosks --where \"tags.role = 'kiosk'\" --skip properties.desired.deviceBridge\n  \
                        twinops import kiosks --snapshot twins.ndjson --tags\n  \
                        twinops import kiosks --format v1-client\n  twinops import kiosks --configurations\n\n\
                        A plan of what is imported is empty: nothing of the twins is to change. No file is overwritten,\n\
                        and no secret is written.")]
pub struct ImportArgs {
    /// The folder of the fleet; made if it is not there.
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// The fleet's name; without it, that of the folder.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Only devices that this condition selects, in the hub's query language; it becomes a part of every profile's.
    #[arg(long = "where", value_name = "CONDITION", help_heading = "What")]
    pub condition: Option<String>,
    /// Only what lies at or below this path; may be given several times.
    #[arg(long, value_name = "PATH", help_heading = "What")]
    pub only: Vec<PropertyPath>,
    /// Nothing that lies at or below this path: it stays foreign. May be given several times.
    #[arg(long, value_name = "PATH", help_heading = "What")]
    pub skip: Vec<PropertyPath>,
    /// Write `${secret.NAME}` where secrets stand, instead of refusing them.
    #[arg(long, help_heading = "What")]
    pub placeholders: bool,
    /// Declare the tags of every device, each in a document of its own.
    #[arg(long, help_heading = "What")]
    pub tags: bool,
    /// Read the IoT Hub configurations of the hub instead of its twins: each becomes a profile.
    #[arg(
        long, conflicts_with_all = ["condition", "placeholders", "tags", "format", "snapshot"],
        help_heading = "What"
    )]
    pub configurations: bool,
    /// In which terms the twins are read.
    #[arg(id = "format", long, value_parser = import_format(), default_value = "text", value_name = "FORMAT", help_heading = "What")]
    pub format: FormatWord,
    /// The hub.
    #[command(flatten)]
    pub hub: HubAccess,
    /// Read the twins from this file, one JSON document a line or all in an array, instead of a hub.
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub snapshot: Option<PathBuf>,
}

impl ImportArgs {
    /// Whether the sections of the Windows IoT Azure DM client are converted.
    pub fn is_v1_client(&self) -> bool {
        self.format == FormatWord::V1Client
    }
}
