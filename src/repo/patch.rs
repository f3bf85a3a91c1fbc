//! Proposals as patches: mails that `git am` takes, for whoever may not push.

use git2::{DiffOptions, Email, EmailCreateOptions};

use super::{
    branch::Author,
    error::{RepoError, doing},
    open::{Repo, Revision},
};

/// What `git am` takes for the beginning of the changes wherever it stands.
const MARKS: [&str; 4] = ["---", "diff -", "Index: ", "From "];

impl Repo {
    /// A mail with what differs between `base` and the same with these files (path relative to the fleet's root, and
    /// text). Nothing but loose objects is written.
    ///
    /// # Errors
    /// When `base` is no commit, or the author's name is none.
    pub fn patch<'f>(
        &self,
        base: &Revision,
        files: impl IntoIterator<Item = (&'f str, &'f str)>,
        message: &str,
        author: Option<&Author>,
    ) -> Result<Vec<u8>, RepoError> {
        let failed = doing("making the patch");
        let (parent, tree) = self.with_files(base, files)?;
        let (before, after) = (parent.tree().map_err(&failed)?, self.git.find_tree(tree).map_err(&failed)?);
        let mut options = DiffOptions::new();
        options.show_binary(true);
        let diff = self.git.diff_tree_to_tree(Some(&before), Some(&after), Some(&mut options)).map_err(&failed)?;
        let author = author.map_or_else(|| self.signature(), Author::signature)?;
        let (subject, body) = message.trim().split_once('\n').unwrap_or((message.trim(), ""));
        let body = words(body);
        let mail = Email::from_diff(&diff, 1, 1, &parent.id(), subject, &body, &author, &mut EmailCreateOptions::new());
        Ok(mail.map_err(&failed)?.as_slice().to_vec())
    }
}

/// A message's body in which nothing looks like changes.
fn words(body: &str) -> String {
    let line = |line: &str| {
        let shift = if MARKS.iter().any(|mark| line.starts_with(mark)) { " " } else { "" };
        format!("{shift}{line}\n")
    };
    body.trim().lines().map(line).collect()
}
