//! Placeholder.
pub(crate) async fn run(_count: u64) {}
