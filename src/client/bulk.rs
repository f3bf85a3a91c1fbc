//! Many identities in one request (protocol reference 3.6).

use bytes::Bytes;

use super::{
    answer,
    http::{Call, Verb},
    hub::{API_VERSION, HubClient, call},
};
use crate::{
    iothub::{BulkEntry, BulkResult},
    reconcile::ports::HubError,
};

/// Some entries were not carried out; the others were.
const IN_PART: u16 = 400;

impl HubClient {
    /// Carries out entries, 100 at most. Those that fail are in the result, and keep none of the others back.
    ///
    /// # Errors
    /// As the hub answers to the request as a whole.
    pub async fn bulk(&self, entries: &[BulkEntry]) -> Result<BulkResult, HubError> {
        let read = |text: &[u8]| serde_json::from_slice(text).map_err(|error| HubError::Answer(Box::new(error)));
        let body = serde_json::to_vec(entries).map_err(|error| HubError::Answer(Box::new(error)))?;
        let path = format!("/devices?{API_VERSION}");
        let reply = self.send(Call { body: Some(Bytes::from(body)), ..call(Verb::Post, path) }).await?;
        if reply.status == IN_PART
            && let Ok(result) = read(&reply.body).map(|result: BulkResult| result)
            && !result.errors.is_empty()
        {
            return Ok(result);
        }
        read(&answer::body(reply)?)
    }
}
