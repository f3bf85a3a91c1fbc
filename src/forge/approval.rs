//! Which plan people approved: the one that stood in the comment when the pull request was merged.
//!
//! The merge is the approval: who merged has seen the comment, or could have. So it counts only if it is what this program
//! wrote under the account of this token, nobody else has written in it since, and it stood there before the merge.

use std::collections::BTreeSet;

use super::{ForgeError, Header, Subject, api::Api, comment};

/// Whether a plan was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approval {
    /// The plan with this hash.
    Plan {
        /// The hash.
        hash: String,
        /// The changes of a plan with rollouts, those of later waves among them.
        changes: BTreeSet<String>,
        /// The pull request.
        pull: u64,
    },
    /// None.
    None(NotApproved),
}

/// Why there is no approved plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotApproved {
    /// The commit was not merged by a pull request.
    #[error("no merged pull request brought this commit")]
    NoPullRequest,
    /// Nobody has told a plan there.
    #[error("pull request {pull} has no comment of this account with a plan of this fleet and environment")]
    NoComment {
        /// The pull request.
        pull: u64,
    },
    /// The comment is not what this program wrote.
    #[error("the comment with the plan on pull request {pull} was edited by {editor}")]
    Edited {
        /// The pull request.
        pull: u64,
        /// Who.
        editor: String,
    },
    /// The comment came later than the merge.
    #[error("the plan on pull request {pull} was written there after it was merged: nobody approved it")]
    AfterMerge {
        /// The pull request.
        pull: u64,
    },
}

pub(super) async fn find<A: Api>(api: &A, commit: &str, subject: &Subject) -> Result<Approval, ForgeError> {
    let Some(merged) = api.merged(commit).await? else { return Ok(Approval::None(NotApproved::NoPullRequest)) };
    let pull = merged.pull;
    let none = NotApproved::NoComment { pull };
    let me = api.me().await?;
    let found = comment::of(api, pull, &me, subject).await?;
    let Some(comment) = comment::best(&found) else { return Ok(Approval::None(none)) };
    // Text and editor come from one answer: nobody writes in between.
    let Some(proven) = api.prove_comment(pull, comment.id).await? else { return Ok(Approval::None(none)) };
    if let Some(editor) = proven.editor {
        return Ok(Approval::None(NotApproved::Edited { pull, editor }));
    }
    let header = Header::of(&proven.text).filter(|header| header.subject == *subject);
    let Some((hash, changes, since)) = header.and_then(|header| Some((header.plan?, header.changes, header.since)))
    else {
        return Ok(Approval::None(none));
    };
    let stood = since.map_or(proven.written, |since| since.min(proven.written));
    if stood > merged.at {
        return Ok(Approval::None(NotApproved::AfterMerge { pull }));
    }
    Ok(Approval::Plan { hash, changes, pull })
}
