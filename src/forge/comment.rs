//! One comment on a pull request, kept up to date in place.
//!
//! Several jobs may do so at once, and no forge has an order to write only if nobody else has. So each looks first and
//! leaves what a later run has written; whoever has made a comment looks again, and all who find two agree which stays.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::{
    Body, ForgeError, Header, Subject,
    api::{Api, Comment},
    body,
};

/// How often a text that the forge finds too long is told in half the room.
const HALVINGS: u32 = 3;

/// What became of a comment, with its address for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It is new.
    Made(String),
    /// It has the new text.
    Changed(String),
    /// It has what a later run wrote, and keeps it.
    Later(String),
}

/// Keeps the comment of a subject.
pub(super) async fn keep<A: Api>(api: &A, pull: u64, header: &Header, body: &dyn Body) -> Result<Kept, ForgeError> {
    let me = api.me().await?;
    let found = of(api, pull, &me, &header.subject).await?;
    let Some(current) = best(&found) else { return make(api, pull, &me, header, body).await };
    if current.header.run > header.run {
        return Ok(Kept::Later(current.url.clone()));
    }
    let header = Header { since: since(api, pull, header, current).await?, ..header.clone() };
    let changed = fitted(&header, body, A::COMMENT, async |text| api.change_comment(pull, current.id, &text).await);
    match changed.await {
        // Somebody has deleted it a moment ago.
        Err(ForgeError::NotFound { .. }) => return make(api, pull, &me, &header, body).await,
        changed => changed?,
    }
    for other in found.iter().filter(|other| other.id != current.id) {
        api.remove_comment(pull, other.id).await?;
    }
    Ok(Kept::Changed(current.url.clone()))
}

/// Writes a comment where none was, and looks whether somebody else has done so meanwhile.
async fn make<A: Api>(api: &A, pull: u64, me: &str, header: &Header, body: &dyn Body) -> Result<Kept, ForgeError> {
    let url = fitted(header, body, A::COMMENT, async |text| api.add_comment(pull, &text).await).await?;
    let found = of(api, pull, me, &header.subject).await?;
    let Some(kept) = best(&found) else { return Ok(Kept::Made(url)) };
    for other in found.iter().filter(|other| other.id != kept.id) {
        api.remove_comment(pull, other.id).await?;
    }
    Ok(if kept.header.run > header.run { Kept::Later(kept.url.clone()) } else { Kept::Made(kept.url.clone()) })
}

/// The comments of a subject that this account wrote: what anybody else writes is none, whatever it says of itself.
pub(super) async fn of<A: Api>(api: &A, pull: u64, me: &str, subject: &Subject) -> Result<Vec<Comment>, ForgeError> {
    let mut found = api.comments(pull).await?;
    found.retain(|comment| comment.author == me && comment.header.subject == *subject);
    Ok(found)
}

/// The one that stays where there are several: that of the latest run, and of these the first.
pub(super) fn best(found: &[Comment]) -> Option<&Comment> {
    found.iter().max_by_key(|comment| (comment.header.run, Reverse(comment.id)))
}

/// Since when this plan has been told: one that has not changed is not a new one. What somebody else has written into the
/// comment does not say so.
async fn since<A: Api>(
    api: &A,
    pull: u64,
    header: &Header,
    current: &Comment,
) -> Result<Option<Timestamp>, ForgeError> {
    if header.plan.is_none() || header.plan != current.header.plan {
        return Ok(header.since);
    }
    let proven = api.prove_comment(pull, current.id).await?.filter(|proven| proven.editor.is_none());
    let before = proven.and_then(|proven| Header::of(&proven.text)).filter(|before| before.plan == header.plan);
    Ok(before.and_then(|before| before.since).or(header.since))
}

/// Writes a text in less and less room, should the forge count otherwise than we do.
pub(super) async fn fitted<T>(
    header: &Header,
    body: &dyn Body,
    limit: usize,
    write: impl AsyncFn(String) -> Result<T, ForgeError>,
) -> Result<T, ForgeError> {
    let mut room = limit;
    for _ in 0..HALVINGS {
        match write(body::below(&header.line(), body, room)?).await {
            Err(ForgeError::TooLong { .. }) => room /= 2,
            written => return written,
        }
    }
    write(body::below(&header.line(), body, room)?).await
}
