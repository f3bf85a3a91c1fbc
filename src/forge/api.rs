//! What every forge can do, in one vocabulary.

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Body, ForgeError, Header};

/// How something went, for a commit's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Well.
    Passed,
    /// It goes on later.
    Waiting,
    /// Not well.
    Failed,
}

/// A word about a commit.
#[derive(Debug, Clone, Copy)]
pub struct Status<'a> {
    /// By which it is known again: `plan kiosks/production`.
    pub name: &'a str,
    /// How it went.
    pub state: State,
    /// One line; shortened where the forge has no room.
    pub description: &'a str,
    /// Where to read more.
    pub url: Option<&'a str>,
}

/// How loud a remark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Worth knowing.
    Notice,
    /// Wants a look.
    Warning,
    /// Wrong.
    Failure,
}

/// A remark on lines of a file.
#[derive(Debug, Clone)]
pub struct Annotation {
    /// The file's path from the top of the repository, with `/`.
    pub path: String,
    /// First and last line, from 1.
    pub lines: (usize, usize),
    /// First and last column, from 1, where it is about one line.
    pub columns: Option<(usize, usize)>,
    /// How loud.
    pub level: Level,
    /// A few words.
    pub title: String,
    /// The rest; plain text of any length.
    pub message: String,
}

/// A check run.
#[derive(Clone, Copy)]
pub struct Check<'a> {
    /// By which it is known again.
    pub name: &'a str,
    /// How it went.
    pub state: State,
    /// One line.
    pub title: &'a str,
    /// The report.
    pub body: &'a dyn Body,
    /// Remarks on lines.
    pub annotations: &'a [Annotation],
    /// Where to read more.
    pub url: Option<&'a str>,
}

/// What a comment is called by the forge: its thread, where it has one, and itself. Earlier ones are lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) thread: u64,
    pub(super) comment: u64,
}

/// A comment that begins with a header, whoever wrote it.
#[derive(Debug, Clone)]
pub(super) struct Comment {
    pub(super) id: Id,
    /// Who wrote it, in the words of [`Api::me`].
    pub(super) author: String,
    pub(super) header: Header,
    /// For people.
    pub(super) url: String,
}

/// A comment as its author left it, or as somebody else did.
#[derive(Debug, Clone)]
pub(super) struct Proven {
    pub(super) text: String,
    /// When the text was written.
    pub(super) written: Timestamp,
    /// Who has written it last, if that is not its author.
    pub(super) editor: Option<String>,
}

/// An open issue, or an open pull request, that begins with a header or comes from a branch.
#[derive(Debug, Clone)]
pub(super) struct Thread {
    pub(super) number: u64,
    pub(super) author: String,
    pub(super) header: Option<Header>,
    pub(super) url: String,
}

/// A pull request that was merged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Merged {
    pub(super) pull: u64,
    pub(super) at: Timestamp,
}

/// What an issue, or a pull request, is to say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'a> {
    pub(super) title: &'a str,
    pub(super) text: &'a str,
}

/// One project of one forge. Numbers and texts go in and out as they are.
pub(super) trait Api {
    /// Characters of a comment, and of an issue.
    const COMMENT: usize;
    /// Characters of a pull request's description.
    const PULL: usize = Self::COMMENT;

    /// Whose the token is: the name that stands as author over what it writes.
    async fn me(&self) -> Result<String, ForgeError>;

    /// The comments of a pull request that begin with a header, the earliest first.
    async fn comments(&self, pull: u64) -> Result<Vec<Comment>, ForgeError>;
    /// Writes a comment; its address for people.
    async fn add_comment(&self, pull: u64, text: &str) -> Result<String, ForgeError>;
    /// Gives a comment another text.
    async fn change_comment(&self, pull: u64, id: Id, text: &str) -> Result<(), ForgeError>;
    /// Removes a comment, which may be gone already.
    async fn remove_comment(&self, pull: u64, id: Id) -> Result<(), ForgeError>;
    /// A comment with who wrote it last, from one answer; `None` when it is gone.
    async fn prove_comment(&self, pull: u64, id: Id) -> Result<Option<Proven>, ForgeError>;

    /// Says in a word how a commit does.
    async fn status(&self, commit: &str, pull: Option<u64>, status: &Status<'_>) -> Result<(), ForgeError>;
    /// Remarks on lines; nothing on a forge without check runs.
    async fn check(&self, commit: &str, check: &Check<'_>) -> Result<(), ForgeError>;

    /// Open issues that begin with a header.
    async fn issues(&self) -> Result<Vec<Thread>, ForgeError>;
    /// Opens an issue; its address for people.
    async fn open_issue(&self, words: Words<'_>) -> Result<String, ForgeError>;
    /// Gives an issue other words, and closes it if it is no longer open.
    async fn change_issue(&self, number: u64, words: Words<'_>, is_open: bool) -> Result<(), ForgeError>;

    /// The project's main branch.
    async fn main_branch(&self) -> Result<String, ForgeError>;
    /// The open pull request from a branch of this project.
    async fn pull_from(&self, branch: &str) -> Result<Option<Thread>, ForgeError>;
    /// Opens a pull request from one branch into another; its address for people.
    async fn open_pull(&self, branch: &str, into: &str, words: Words<'_>) -> Result<String, ForgeError>;
    /// Gives a pull request other words.
    async fn change_pull(&self, number: u64, words: Words<'_>) -> Result<(), ForgeError>;
    /// Closes a pull request without merging it.
    async fn close_pull(&self, number: u64) -> Result<(), ForgeError>;
    /// The merged pull request whose merge made this commit.
    async fn merged(&self, commit: &str) -> Result<Option<Merged>, ForgeError>;
}

/// The label of issues, by which they are found again.
pub(super) const LABEL: &str = "twinops";

/// What stays as it is in a part of a path.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One part of a path or of a query.
pub(super) fn part(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}

/// A line of at most so many characters; what is longer ends in `…`.
pub(super) fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(std::iter::once('…')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_path_is_no_way_out_of_it() {
        assert_eq!(part("iot/../x?y#z €"), "iot%2F..%2Fx%3Fy%23z%20%E2%82%AC");
    }

    #[test]
    fn a_long_line_is_shortened_between_characters() {
        assert_eq!((short("ÄÖÜ", 3), short("ÄÖÜß", 3)), ("ÄÖÜ".to_owned(), "ÄÖ…".to_owned()));
    }
}
