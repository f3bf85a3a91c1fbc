//! The command line: arguments in, one command each, reports out.
//!
//! * [`args`] says what can be asked, and nothing else; `reference` and `completions` are derived from it.
//! * [`Printer`] is the only one that prints: results on stdout, all else on stderr.
//! * [`Exit`] holds the exit codes, which scripts rely on; [`Failure`] is what a command gives back instead of a result.
//! * `workspace` is the fleet that a command works on, `access` the hub; `prepare` makes a planner of both,
//!   `cache` keeps twins from one run to the next; `post` tells results on a forge.
//! * `follow` goes on after the first run.
//! * `rollouts` says how rollouts are taken into account; `cmd` holds the commands, one a file.

mod access;
pub mod args;
mod cache;
mod check;
mod cmd;
mod completions;
mod exit;
mod failure;
mod follow;
mod listen;
mod login;
mod new_files;
mod past;
mod permit;
mod post;
mod prepare;
mod printer;
mod quota;
mod reference;
mod replan;
mod rollouts;
mod run;
mod saved;
mod secrets;
mod signals;
mod watch;
mod workspace;

pub use cmd::schema::schema_files;
pub use completions::completions;
pub use exit::Exit;
pub use failure::Failure;
pub use printer::{Printer, Progress, Terminal, Verbosity};
pub use reference::reference;
pub use run::run;
