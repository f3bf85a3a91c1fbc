//! Queries, page by page.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{
    answer,
    http::{Call, PageCall, Reply, Verb},
    hub::{API_VERSION, HubClient, call},
};
use crate::{
    reconcile::ports::{HubError, Page},
    task::Backoff,
};

/// First bound of the waits between two tries for one page, and the last; a hub gives pages sparingly (protocol
/// reference 14).
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// One page of a query's answer (protocol reference 6.1).
#[derive(Debug, Clone)]
pub struct Rows {
    /// `Twin`, `Raw`, …; empty when the hub did not say.
    pub item_type: String,
    /// The rows, a JSON array.
    pub page: Page,
}

/// Where a query stands.
enum Place {
    Start,
    At(String),
    End,
}

impl HubClient {
    /// The answer of any statement, page by page. A page that the hub throttles is asked for again; the first one
    /// tells at once when the hub cannot be reached.
    pub fn query(&self, statement: &str) -> impl Stream<Item = Result<Rows, HubError>> + Send {
        let body = Bytes::from(json!({ "query": statement }).to_string());
        stream::unfold((Place::Start, body), async move |(place, body)| {
            let continuation = match &place {
                Place::Start => None,
                Place::At(token) => Some(token.as_str()),
                Place::End => return None,
            };
            match self.page(&body, continuation).await {
                Ok(reply) => {
                    let next = reply.continuation.map_or(Place::End, Place::At);
                    let rows = Rows { item_type: reply.item_type.unwrap_or_default(), page: Page::Array(reply.body) };
                    Some((Ok(rows), (next, body)))
                }
                Err(error) => Some((Err(error), (Place::End, body))),
            }
        })
    }

    /// One page of a statement's answer, of so many rows at most, and what asks for the next. For whoever waits for it
    /// and would rather hear of a throttle than sit it out.
    ///
    /// # Errors
    /// As the hub answers.
    pub async fn query_page(
        &self,
        statement: &str,
        size: u32,
        continuation: Option<&str>,
    ) -> Result<(Rows, Option<String>), HubError> {
        let body = Some(Bytes::from(json!({ "query": statement }).to_string()));
        let page = Some(PageCall { size, continuation });
        let asked = Call { page, body, ..call(Verb::Post, format!("/devices/query?{API_VERSION}")) };
        let reply = answer::success(self.send(asked).await?)?;
        let item_type = reply.item_type.unwrap_or_default();
        Ok((Rows { item_type, page: Page::Array(reply.body) }, reply.continuation))
    }

    async fn page(&self, body: &Bytes, continuation: Option<&str>) -> Result<Reply, HubError> {
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        let start = Instant::now();
        loop {
            let call = Call {
                page: Some(PageCall { size: self.options.page_size, continuation }),
                body: Some(body.clone()),
                ..call(Verb::Post, format!("/devices/query?{API_VERSION}"))
            };
            let error = match self.send(call).await.and_then(answer::success) {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            let hopeless = matches!(error, HubError::Unreachable(_)) && continuation.is_none();
            if !error.is_transient() || hopeless || start.elapsed() >= self.options.patience {
                return Err(error);
            }
            let wait = match error {
                HubError::Throttled { retry_after: Some(wait) } => wait,
                _ => backoff.next_wait(),
            };
            tracing::debug!(?wait, %error, "asking for the page again");
            sleep(wait).await;
        }
    }
}
