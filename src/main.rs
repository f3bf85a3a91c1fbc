//! The `twinops` command.

use std::process::ExitCode;

/// A write of a twin takes a third less time than with the allocator of the C library (`benches/hub`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    twinops::cli::run()
}
