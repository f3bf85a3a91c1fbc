//! What goes wrong between the hub and its database, in words that give no data away.

use std::{error::Error as _, fmt};

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

use super::super::StoreError;

/// An error of the database. PostgreSQL's `DETAIL` can quote whole rows, and rows hold keys: only the message and the
/// code are kept.
#[derive(Debug)]
pub(super) struct Fault {
    message: String,
    pub(super) kind: FaultKind,
}

/// What can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// The connection is gone, or the server does not serve now: everything is to be tried on another one.
    Connection,
    /// Two transactions got into each other's way: the same again.
    Again,
    /// This statement with these values will never do.
    Statement,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl Fault {
    pub(super) fn connection(message: impl Into<String>) -> Self {
        Self { message: message.into(), kind: FaultKind::Connection }
    }

    /// Somebody was faster: begin again.
    pub(super) fn overtaken() -> Self {
        Self { message: "another hub made the same thing at the same time".to_owned(), kind: FaultKind::Again }
    }

    /// For one more of those whom it hit.
    pub(super) fn again(&self) -> Self {
        Self { message: self.message.clone(), kind: self.kind }
    }

    pub(super) fn statement(message: impl Into<String>) -> Self {
        Self { message: message.into(), kind: FaultKind::Statement }
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            let cause = error.source().map_or_else(String::new, |cause| format!(": {cause}"));
            let mine = ["error serializing", "error deserializing", "invalid column", "query returned", "expected "];
            let text = error.to_string();
            let kind = if mine.iter().any(|start| text.starts_with(start)) {
                FaultKind::Statement
            } else {
                FaultKind::Connection
            };
            return Self { message: text + &cause, kind };
        };
        Self { message: format!("{} ({})", db.message(), db.code().code()), kind: kind(db.code()) }
    }
}

fn kind(code: &SqlState) -> FaultKind {
    match code.code().get(..2) {
        // A deadlock, a serialization failure, a lock that was not had in time.
        Some("40" | "55") => FaultKind::Again,
        // Connection, resources, operator's intervention (a restart, a timeout), system; a standby that is read-only
        // until it is promoted.
        Some("08" | "53" | "57" | "58" | "25" | "28" | "3D") => FaultKind::Connection,
        _ => FaultKind::Statement,
    }
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::from(error),
            PoolError::Timeout(_) => Self::connection("no connection to the database came free in time"),
            other => Self::connection(other.to_string()),
        }
    }
}

/// Wraps what the database says.
pub(super) fn failed(doing: &'static str) -> impl Fn(Fault) -> StoreError {
    move |cause| StoreError::Database { doing, cause: cause.into() }
}
