//! The commands, one a file: settings in, a report and an exit code out.

pub(super) mod adopt;
pub(super) mod agent;
mod authority;
pub(super) mod backup;
pub(super) mod explain;
pub(super) mod hub;
pub(super) mod import;
pub(super) mod init;
pub(super) mod invoke;
pub(super) mod plan;
pub(super) mod portal;
pub(super) mod query;
pub(super) mod reconcile;
mod rehearse;
pub(super) mod rule;
pub(super) mod schema;
pub(super) mod simulate;
pub(super) mod standing;
pub(super) mod up;
pub(super) mod validate;
