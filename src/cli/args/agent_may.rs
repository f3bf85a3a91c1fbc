//! What may be done with a device from afar, as its own configuration says.

use std::path::PathBuf;

use clap::Args;

/// Of `agent`: commands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Commands")]
pub struct AgentMayArgs {
    /// A direct method that may be called, besides those that destroy nothing; `none` begins with no method at all. May
    /// be given several times.
    #[arg(long = "allow-method", value_name = "NAME")]
    pub methods: Vec<String>,
    /// A folder below which files of logs may be collected; may be given several times.
    #[arg(long = "log-folder", value_name = "DIR")]
    pub log_folders: Vec<PathBuf>,
    /// What `factoryReset` runs: a file with a program and its arguments, as a JSON array, that nobody else may write.
    #[arg(long, value_name = "FILE")]
    pub factory_reset_command: Option<PathBuf>,
    /// What `wipe` runs, likewise.
    #[arg(long, value_name = "FILE")]
    pub wipe_command: Option<PathBuf>,
}
