//! Arguments of `drift`: what it shares with `status`, and adopting.

use clap::{Args, ValueEnum};

use super::StandingArgs;
use crate::twin::PropertyPath;

/// Of `drift`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  twinops drift --detailed-exitcode\n  twinops drift --snapshot twins.ndjson --format markdown\n  \
                        twinops drift --adopt\n  twinops drift --open-pr\n  twinops drift --adopt=worktree --device kiosk-0007 --path tags.site"
)]
pub struct DriftArgs {
    /// What it shares with `status`.
    #[command(flatten)]
    pub standing: StandingArgs,
    /// Adopting.
    #[command(flatten)]
    pub adopt: AdoptArgs,
}

/// How values that were changed in the hub become what git declares.
#[derive(Debug, Args)]
#[command(next_help_heading = "Adopting")]
pub struct AdoptArgs {
    /// Write the values that were changed in the hub into the YAML lines they belong to: in a commit on a branch of its
    /// own, or in the files on disk.
    #[arg(
        long,
        value_enum,
        value_name = "WHERE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "branch",
        default_value_if("open_pr", "true", "branch"),
        conflicts_with_all = ["post", "open_issue"]
    )]
    pub adopt: Option<AdoptTo>,
    /// Only what lies at or below this path; may be given several times.
    #[arg(long = "path", value_name = "PATH", requires = "adopt")]
    pub paths: Vec<PropertyPath>,
    /// The branch, `twinops/adopt-FLEET` unless told. One that holds an earlier adoption is replaced.
    #[arg(long, value_name = "BRANCH", requires = "adopt")]
    pub branch: Option<String>,
    /// Push the branch, with the user's own git.
    #[arg(long, requires = "adopt")]
    pub push: bool,
    /// Adopt into a branch, push it, and keep one pull request for it up to date; it is closed when there is nothing to
    /// adopt any more. Where, and a token, is found as for `--post`.
    #[arg(long, conflicts_with_all = ["post", "open_issue"])]
    pub open_pr: bool,
}

/// Where adopted values go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AdoptTo {
    /// A commit on a branch; the working tree is not touched.
    Branch,
    /// The files on disk, committed or not.
    Worktree,
}
