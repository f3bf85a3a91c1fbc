//! A device's side of a link, and what comes through it.

use rumqttc::{ConnectionError, Event, Incoming, mqttbytes::v4::Publish};
use serde_json::{Value, json};

use crate::{
    effects::{Effects, Name},
    world::Device,
};

impl Device {
    pub(crate) async fn unsubscribe(&mut self, filter: &str) {
        self.client.unsubscribe(filter).await.unwrap();
        self.next(|packet| matches!(packet, Incoming::UnsubAck(_)).then_some(())).await;
    }

    /// Says goodbye.
    pub(crate) async fn disconnect(mut self) {
        self.client.disconnect().await.unwrap();
        self.rest().await;
    }

    /// What comes until the last publish is acknowledged.
    pub(crate) async fn until_acknowledged(&mut self) -> Result<Vec<Publish>, ConnectionError> {
        let mut messages = Vec::new();
        loop {
            match self.poll().await? {
                Event::Incoming(Incoming::Publish(message)) => messages.push(message),
                Event::Incoming(Incoming::PubAck(_)) => return Ok(messages),
                _ => {}
            }
        }
    }

    /// Waits for the end of the link.
    pub(crate) async fn rest(&mut self) {
        while self.poll().await.is_ok() {}
    }
}

/// Adds what a device received to what is seen.
pub(crate) fn hear(effects: &mut Effects, name: Name, messages: &[Publish]) {
    if !messages.is_empty() {
        effects.told.entry(name).or_default().extend(messages.iter().map(topic_and_body));
    }
}

fn topic_and_body(publish: &Publish) -> (String, Value) {
    let body: Value = serde_json::from_slice(&publish.payload).unwrap_or_default();
    // The texts of errors are free.
    let code = body.get("errorCode").filter(|_| body.get("trackingId").is_some());
    (publish.topic.clone(), code.map_or_else(|| body.clone(), |code| json!({ "errorCode": code })))
}
