//! Arguments of a rehearsal.

use clap::Args;

/// How a plan is rehearsed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Rehearsal")]
pub struct RehearseArgs {
    /// Carry the plan out on a hub of its own with simulated devices, and show how it goes: waves, gates, what devices
    /// refuse, how long it takes. The twins are those of `--snapshot` or of the hub, which is only read; without either,
    /// the devices that the repository declares. No credential is needed then.
    #[arg(long, conflicts_with_all = ["out", "condition", "devices", "post"])]
    pub rehearse: bool,
    /// Let the devices begin with what this commit, branch or tag declares.
    #[arg(long, value_name = "REV", requires = "rehearse", conflicts_with = "snapshot")]
    pub rehearse_from: Option<String>,
}
