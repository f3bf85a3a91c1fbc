//! Commands that a fleet repository begins with.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

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
