//! The `twinops` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    twinops::cli::run()
}
