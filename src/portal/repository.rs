//! What the portal needs of the fleet's repository, in its own words.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Proposals;
use crate::{
    fleet::Source,
    plan::Planner,
    repo::{Lines, Origins},
};

/// The fleet at one commit, ready to be compared with twins.
#[derive(Clone)]
pub struct Declared {
    /// Compares twins with it.
    pub planner: Arc<Planner>,
    /// Its files.
    pub source: Arc<Source>,
}

/// The fleet's repository. Its calls may take a while, and block the thread; they are made where that hurts nobody.
pub trait Repository: Proposals + Send + Sync {
    /// The revision that is to be shown now.
    ///
    /// # Errors
    /// One sentence, when it is not to be had.
    fn tip(&self) -> Result<String, String>;

    /// The fleet at that revision.
    ///
    /// # Errors
    /// One sentence, when it cannot be read, or is not sound.
    fn declared(&self, tip: &str) -> BoxFuture<'_, Result<Declared, String>>;

    /// Who wrote lines of its files; empty when nobody can tell.
    fn authors(&self, declared: &Declared, lines: &Lines) -> Origins;

    /// Where people read a line of a file as of a commit, if its forge is known.
    fn web_address(&self, commit: &str, file: &str, line: usize) -> Option<String>;
}
