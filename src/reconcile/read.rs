//! From a stream of pages to one result, on all cores and in bounded memory.

use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, pin_mut};

use super::ports::{HubError, Page};

/// Lets `work` loose on every page, `threads` at a time, off the runtime's own threads, and hands the results to
/// `merge` in the order of the pages. Fetching, working and merging overlap; no more than `threads` pages are held
/// besides the one that is being fetched.
///
/// # Errors
/// The first page that cannot be fetched ends it.
///
/// # Panics
/// When `work` does.
pub async fn fold_pages<T: Send + 'static>(
    pages: impl Stream<Item = Result<Page, HubError>>,
    threads: usize,
    work: impl Fn(Page) -> T + Send + Sync + 'static,
    mut merge: impl FnMut(T),
) -> Result<(), HubError> {
    let work = Arc::new(work);
    let results = pages
        .map(|page| {
            let work = Arc::clone(&work);
            async move {
                let page = page?;
                Ok::<_, HubError>(tokio::task::spawn_blocking(move || work(page)).await)
            }
        })
        .buffered(threads.max(1));
    pin_mut!(results);
    while let Some(result) = results.next().await {
        match result? {
            Ok(part) => merge(part),
            Err(fault) => std::panic::resume_unwind(fault.into_panic()),
        }
    }
    Ok(())
}
