//! The `twinops` command.
fn main() {}
