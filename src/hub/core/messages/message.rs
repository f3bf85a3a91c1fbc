//! A message of the service, and how it is stored.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    hub::failure::Failure,
    iothub::{ErrorCode, Properties},
};

/// Most bytes of a message, its properties included.
const MOST: usize = 64 * 1024;

/// What its sender wants to hear of a message's end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ack {
    #[default]
    None,
    Positive,
    Negative,
    Full,
}

/// A message that is to be sent (protocol reference 11.4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// The sender's own and the system's, the latter as topics name them: `$.mid`, `$.ct`, ….
    pub(crate) properties: Properties,
    pub(crate) payload: Bytes,
    pub(crate) ack: Ack,
    /// When it is worth nothing any longer; without it the hub says.
    pub(crate) expires: Option<Timestamp>,
}

/// A message as a device gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) properties: Properties,
    pub(crate) payload: Bytes,
    pub(crate) sequence: u64,
    pub(crate) enqueued: Timestamp,
    pub(crate) expires: Timestamp,
    /// How often it was handed out, this time included.
    pub(crate) deliveries: u8,
    pub(crate) ack: Ack,
    /// What settles it.
    pub(crate) token: String,
}

/// What is kept beside the queue.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    properties: String,
    payload: String,
}

impl Ack {
    /// As headers and topics have it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Positive => "positive",
            Self::Negative => "negative",
            Self::Full => "full",
        }
    }

    /// Reads what [`Self::name`] wrote, in any letter case.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::None, Self::Positive, Self::Negative, Self::Full]
            .into_iter()
            .find(|ack| ack.name().eq_ignore_ascii_case(text))
    }
}

impl Message {
    /// For the store, if it is not too long.
    pub(super) fn body(&self) -> Result<String, Failure> {
        let properties = self.properties.to_string();
        if properties.len() + self.payload.len() > MOST {
            let message = format!("a message to a device has at most {MOST} bytes, its properties included");
            return Err(Failure::new(ErrorCode::MessageTooLarge, message));
        }
        let stored = Stored { properties, payload: STANDARD.encode(&self.payload) };
        serde_json::to_string(&stored)
            .map_err(|error| Failure::new(ErrorCode::ServerError, format!("the message cannot be stored: {error}")))
    }

    /// The value of a property.
    pub(super) fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(key, _)| *key == name)?.1
    }
}

/// Reads what [`Message::body`] wrote.
pub(super) fn read(body: &str) -> Option<(Properties, Bytes)> {
    let stored: Stored = serde_json::from_str(body).ok()?;
    Some((Properties::parse(&stored.properties).ok()?, STANDARD.decode(stored.payload).ok()?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_stored_and_has_64_kb_at_most() {
        let properties = Properties::parse("%24.mid=a%2Fb&empty=&none&x%20y=%C3%A9").unwrap();
        let mut message = Message { properties, payload: Bytes::from_static(b"\0\xFFabc"), ..Message::default() };
        let (properties, payload) = read(&message.body().unwrap()).unwrap();
        assert_eq!((&properties, &payload), (&message.properties, &message.payload));
        assert_eq!(message.property("$.mid"), Some("a/b"));
        message.payload = vec![0; MOST].into();
        assert_eq!(message.body().unwrap_err().code, ErrorCode::MessageTooLarge);
    }

    #[test]
    fn acknowledgements_are_read_in_any_letter_case() {
        for ack in [Ack::None, Ack::Positive, Ack::Negative, Ack::Full] {
            assert_eq!(Ack::parse(&ack.name().to_uppercase()), Some(ack));
        }
        assert_eq!(Ack::parse("perhaps"), None);
    }
}
