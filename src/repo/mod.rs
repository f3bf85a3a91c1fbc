//! A fleet at a revision, read from git objects without a checkout, and what changed between two of them.
//!
//! Git history is the state: the marker in a twin names a revision, and [`Repo::recorded`] with [`Repo::source`] give
//! back what that revision declared. A working tree that is not committed is applied under a revision too:
//! [`Repo::record_worktree`] writes it into the object database, so that it can be read back as base later. A folder
//! that is in no repository gets one outside of it ([`Repo::scratch`]).
//!
//! What is to be proposed goes onto a branch of its own ([`Repo::commit_to`]), or into a patch ([`Repo::patch`]); the
//! working tree is not looked at.
//!
//! This room alone knows git: its objects through libgit2, its network through the user's own `git`
//! ([`Repo::fetch`], [`Repo::push`]), because that one knows the user's keys and credential helpers.

mod blame;
mod branch;
mod error;
mod fetch;
mod history;
mod index;
mod keep;
mod listing;
mod open;
mod patch;
mod read;
mod signature;
mod surroundings;
mod worktree;

#[cfg(test)]
mod tests;

pub use blame::{LineOrigin, Lines, Origins};
pub use branch::Author;
pub use error::RepoError;
pub use history::CommitInfo;
pub use listing::content_id;
pub use open::{Repo, Revision};
pub use signature::SignatureError;
