//! Automatic device management.

use serde_json::Value;

use super::{
    answer,
    http::Verb,
    hub::{API_VERSION, HubClient, call},
};
use crate::reconcile::ports::HubError;

impl HubClient {
    /// Every configuration of the hub; there are a hundred at most, and they come at once (protocol reference 8.2).
    ///
    /// # Errors
    /// As the hub answers.
    pub async fn configurations(&self) -> Result<Vec<Value>, HubError> {
        let reply = self.send(call(Verb::Get, format!("/configurations?{API_VERSION}"))).await?;
        serde_json::from_slice(&answer::body(reply)?).map_err(|error| HubError::Answer(Box::new(error)))
    }
}
