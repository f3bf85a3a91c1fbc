//! The command line: arguments in, one command each, reports out.
//!
//! * [`args`] says what can be asked, and nothing else; `reference` and `completions` are derived from it.
//! * [`Printer`] is the only one that prints: results on stdout, all else on stderr.
//! * [`Exit`] holds the exit codes, which scripts rely on; [`Failure`] is what a command gives back instead of a result.

pub mod args;
mod completions;
mod exit;
mod failure;
mod printer;
mod reference;

pub use completions::completions;
pub use exit::Exit;
pub use failure::Failure;
pub use printer::{Printer, Progress, Terminal, Verbosity};
pub use reference::reference;
