//! IoT Hub's query language: one lexer, one parser, one evaluator (protocol reference, section 6).
//!
//! The same language selects devices in a profile's `where`, in a configuration's target, in a job, and in the
//! queries that a hub answers. A [`Condition`] is the part after `WHERE`, a [`Query`] a whole statement; both run over
//! anything that has [`Fields`], without copying it.
//!
//! ```
//! use serde_json::json;
//! use twinops::query::Condition;
//!
//! let kiosks = Condition::parse("tags.role = 'kiosk' AND tags.site IN ['berlin', 'oslo']")?;
//! assert!(kiosks.matches(&json!({ "deviceId": "d1", "tags": { "role": "kiosk", "site": "oslo" } })));
//! assert!(!kiosks.matches(&json!({ "deviceId": "d2", "tags": { "role": "kiosk" } })));
//! # Ok::<(), twinops::query::QueryError>(())
//! ```
//!
//! Logic has three values: comparing with something that is not there, or of another type, is neither true nor false,
//! and only *true* selects. Where Azure IoT Hub refuses a statement without a reason, [`QueryError`] gives the place
//! and what was expected; what parses but looks wrong is a [`Doubt`].

mod ast;
mod call;
mod condition;
mod error;
mod eval;
mod function;
mod lexer;
mod parse;
mod pass;
mod path;
mod print;
mod rows;
mod sieve;
mod statement;
mod suggest;
mod target;
#[cfg(test)]
mod tests;
mod text;
mod truth;
mod value;

pub use ast::Literal;
pub use condition::{Condition, Equality};
pub use error::{Doubt, QueryError};
pub use pass::Tested;
pub use path::FieldPath;
pub use rows::Aggregator;
pub use sieve::{JsonType, Relation, Sieve};
pub use statement::{ItemType, Query, Source};
pub use target::Target;
pub use value::{Fields, Operand};

/// Most characters of a query (protocol reference 6.1).
pub const MAX_LENGTH: usize = 8192;
