//! A pull request for a branch that somebody has pushed.

use super::{
    Body, ForgeError,
    api::{Api, Words},
};

/// Opens it, or gives the one that is open these words.
pub(super) async fn open_or_update<A: Api>(
    api: &A,
    branch: &str,
    into: Option<&str>,
    title: &str,
    body: &dyn Body,
) -> Result<String, ForgeError> {
    let text = body.within(A::PULL)?.text;
    let words = Words { title, text: &text };
    if let Some(open) = api.pull_from(branch).await? {
        api.change_pull(open.number, words).await?;
        return Ok(open.url);
    }
    let main = if into.is_none() { api.main_branch().await? } else { String::new() };
    api.open_pull(branch, into.unwrap_or(&main), words).await
}

/// Closes the one that is open.
pub(super) async fn close<A: Api>(api: &A, branch: &str) -> Result<Option<String>, ForgeError> {
    let Some(open) = api.pull_from(branch).await? else { return Ok(None) };
    api.close_pull(open.number).await?;
    Ok(Some(open.url))
}
