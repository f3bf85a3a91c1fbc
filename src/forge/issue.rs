//! One open issue, kept up to date and closed when there is nothing more to say.

use super::{
    Body, ForgeError, Header,
    api::{Api, Thread, Words},
    comment::fitted,
};

/// What became of the issue, with its address for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssueState {
    /// There is none, and none is needed.
    None,
    /// It is new.
    Opened(String),
    /// It has the new text.
    Changed(String),
    /// It has been closed.
    Closed(String),
    /// It has what a later run wrote, and keeps it.
    Later(String),
}

/// Keeps the open issue of a subject. One that somebody has closed stays closed: there will be another.
pub(super) async fn keep<A: Api>(
    api: &A,
    header: &Header,
    title: &str,
    body: &dyn Body,
    is_open: bool,
) -> Result<IssueState, ForgeError> {
    let me = api.me().await?;
    let found = of(api, &me, header).await?;
    let Some(current) = best(&found) else {
        if !is_open {
            return Ok(IssueState::None);
        }
        let url = fitted(header, body, A::COMMENT, async |text| api.open_issue(Words { title, text: &text }).await);
        let url = url.await?;
        // Two jobs may have found none.
        let found = of(api, &me, header).await?;
        let Some(kept) = best(&found) else { return Ok(IssueState::Opened(url)) };
        close_others(api, header, title, body, &found, kept).await?;
        return Ok(IssueState::Opened(kept.url.clone()));
    };
    if run(current) > header.run {
        return Ok(IssueState::Later(current.url.clone()));
    }
    write(api, header, title, body, current.number, is_open).await?;
    close_others(api, header, title, body, &found, current).await?;
    let url = current.url.clone();
    Ok(if is_open { IssueState::Changed(url) } else { IssueState::Closed(url) })
}

async fn of<A: Api>(api: &A, me: &str, header: &Header) -> Result<Vec<Thread>, ForgeError> {
    let mut found = api.issues().await?;
    found.retain(|issue| {
        issue.author == me && issue.header.as_ref().is_some_and(|found| found.subject == header.subject)
    });
    Ok(found)
}

fn run(issue: &Thread) -> u64 {
    issue.header.as_ref().map_or(0, |header| header.run)
}

/// That of the latest run, and of these the first.
fn best(found: &[Thread]) -> Option<&Thread> {
    found.iter().max_by_key(|issue| (run(issue), std::cmp::Reverse(issue.number)))
}

async fn close_others<A: Api>(
    api: &A,
    header: &Header,
    title: &str,
    body: &dyn Body,
    found: &[Thread],
    kept: &Thread,
) -> Result<(), ForgeError> {
    for other in found.iter().filter(|other| other.number != kept.number) {
        write(api, header, title, body, other.number, false).await?;
    }
    Ok(())
}

async fn write<A: Api>(
    api: &A,
    header: &Header,
    title: &str,
    body: &dyn Body,
    number: u64,
    is_open: bool,
) -> Result<(), ForgeError> {
    let change = async |text: String| api.change_issue(number, Words { title, text: &text }, is_open).await;
    fitted(header, body, A::COMMENT, change).await
}
