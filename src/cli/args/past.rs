//! What reports are told against.

use std::path::PathBuf;

use clap::Args;

use super::values::tag;
use crate::twin::PropertyPath;

/// Of `drift` and `status`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct PastArgs {
    /// Say what is new since this report, an earlier output of `--format json`.
    #[arg(long, value_name = "FILE")]
    pub since: Option<PathBuf>,
    /// Draw drift over time from the reports in this folder, earlier outputs of `--format json`; for `--format html`.
    #[arg(long, value_name = "DIR")]
    pub history: Option<PathBuf>,
    /// Count devices by the values of this tag as well; for `--format html` and `--format json`.
    #[arg(long, value_name = "TAG", value_parser = tag(), default_value = "tags.site")]
    pub by: PropertyPath,
}
