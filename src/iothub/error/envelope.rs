//! The three bodies an error comes in (protocol reference 2.4). A hub writes one, a client reads all.

use std::fmt;

use serde_json::{Value, json};
use thiserror::Error;

use super::ErrorCode;

/// Most characters of a message that a client keeps; a proxy's whole HTML page helps nobody.
const LONGEST_MESSAGE: usize = 1000;

/// Which body an error travels in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Envelope {
    /// `{"Message":"ErrorCode:Name;text","ExceptionMessage":"Tracking ID:…"}`: identities, twins, queries.
    Named,
    /// `{"errorCode":409301,"message":…,"trackingId":…,"timestampUtc":…}`: module conflicts, MQTT.
    Flat,
    /// The flat one as text inside `Message`: direct methods.
    Nested,
}

/// An error as a hub answers it.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorAnswer {
    /// What went wrong; gives the HTTP status and the `iothub-errorcode` header.
    pub code: ErrorCode,
    /// What is wrong and what to do.
    pub message: String,
    /// What the hub's log has of it.
    pub tracking_id: String,
    /// When, as ISO 8601 in UTC.
    pub timestamp_utc: String,
    /// Further members, for direct methods: `{"timeout":"00:00:30"}`.
    pub info: Option<Value>,
}

impl ErrorAnswer {
    /// The body in one of the envelopes, as JSON text.
    pub fn body(&self, envelope: Envelope) -> String {
        match envelope {
            Envelope::Named => {
                let message = format!("ErrorCode:{};{}", self.code.name(), self.message);
                let tracking = format!("Tracking ID:{}-TimeStamp:{}", self.tracking_id, self.timestamp_utc);
                json!({ "Message": message, "ExceptionMessage": tracking }).to_string()
            }
            Envelope::Flat => self.flat().to_string(),
            Envelope::Nested => {
                let mut inner = self.flat();
                inner["info"] = self.info.clone().unwrap_or(Value::Null);
                json!({ "Message": inner.to_string(), "ExceptionMessage": "" }).to_string()
            }
        }
    }

    fn flat(&self) -> Value {
        json!({
            "errorCode": self.code.number(), "message": self.message,
            "trackingId": self.tracking_id, "timestampUtc": self.timestamp_utc,
        })
    }
}

/// An error as a client read it, out of whatever body it came in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct HubFault {
    /// The HTTP status, or that of an MQTT topic.
    pub status: u16,
    /// What went wrong, when the answer said so in a word we know.
    pub code: Option<ErrorCode>,
    /// The hub's text, without code and tracking id; may be empty.
    pub message: String,
    /// What to quote to whoever runs the hub.
    pub tracking_id: Option<String>,
}

impl HubFault {
    /// Reads an error answer: any bytes, any of the three envelopes. `errorcode` is the `iothub-errorcode` header,
    /// the most reliable of all, where there is one.
    pub fn parse(status: u16, errorcode: Option<&str>, body: &[u8]) -> Self {
        let mut fault = Self { status, code: None, message: String::new(), tracking_id: None };
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => fault.read(&value),
            Err(_) => fault.message = shorten(String::from_utf8_lossy(body).trim()),
        }
        fault.code = errorcode.map(str::trim).and_then(code_in_header).or(fault.code);
        fault
    }

    /// Whether trying again later, unchanged, may help (protocol reference 14).
    pub fn is_transient(&self) -> bool {
        matches!(self.status, 429 | 500..=599) || self.code.is_some_and(ErrorCode::is_transient)
    }

    fn read(&mut self, body: &Value) {
        match member(body, "errorCode") {
            Some(_) => self.read_flat(body),
            None => match text(body, "Message") {
                Some(message) => self.read_message(message, text(body, "ExceptionMessage")),
                None => self.message = shorten(&body.to_string()),
            },
        }
    }

    fn read_flat(&mut self, body: &Value) {
        self.code = match member(body, "errorCode") {
            Some(Value::String(name)) => code_in_header(name),
            Some(number) => number.as_u64().and_then(ErrorCode::from_number),
            None => None,
        };
        self.message = text(body, "message").map(shorten).unwrap_or_default();
        self.tracking_id = text(body, "trackingId").map(shorten);
    }

    /// `Message` is either the flat envelope as text, or `ErrorCode:Name;text`, or just text.
    fn read_message(&mut self, message: &str, exception: Option<&str>) {
        let inner = serde_json::from_str::<Value>(message).ok();
        if let Some(inner) = inner.filter(|inner| member(inner, "errorCode").is_some()) {
            self.read_flat(&inner);
            return;
        }
        let named = message.strip_prefix("ErrorCode:").and_then(|rest| rest.split_once(';'));
        self.code = named.and_then(|(name, _)| ErrorCode::from_name(name.trim()));
        self.message = shorten(named.map_or(message, |(_, rest)| rest.trim()));
        let tracking = exception.and_then(|text| text.split_once("Tracking ID:"));
        self.tracking_id = tracking.map(|(_, id)| shorten(id.split("-TimeStamp:").next().unwrap_or(id)));
    }
}

impl fmt::Display for HubFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the hub answered {}", self.status)?;
        if let Some(code) = self.code {
            write!(f, " {}", code.name())?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        self.tracking_id.as_ref().map_or(Ok(()), |id| write!(f, " (tracking id {id})"))
    }
}

/// A name, or six digits.
fn code_in_header(header: &str) -> Option<ErrorCode> {
    ErrorCode::from_name(header).or_else(|| ErrorCode::from_number(header.parse().ok()?))
}

/// A member by name, whatever its letter case.
fn member<'v>(body: &'v Value, name: &str) -> Option<&'v Value> {
    let object = body.as_object()?;
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

fn text<'v>(body: &'v Value, name: &str) -> Option<&'v str> {
    member(body, name).and_then(Value::as_str)
}

/// At most [`LONGEST_MESSAGE`] characters, none of which moves a terminal's cursor.
fn shorten(text: &str) -> String {
    text.chars().take(LONGEST_MESSAGE).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(code: ErrorCode, message: &str) -> ErrorAnswer {
        ErrorAnswer {
            code,
            message: message.to_owned(),
            tracking_id: "8a1c-G:10".to_owned(),
            timestamp_utc: "2026-11-23T03:40:12Z".to_owned(),
            info: None,
        }
    }

    #[test]
    fn the_named_envelope_is_what_the_node_sdk_splits() {
        let body = answer(ErrorCode::DeviceNotFound, "no device `d1`").body(Envelope::Named);
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["Message"], "ErrorCode:DeviceNotFound;no device `d1`");
        assert_eq!(body["ExceptionMessage"], "Tracking ID:8a1c-G:10-TimeStamp:2026-11-23T03:40:12Z");
    }

    #[test]
    fn a_method_error_carries_its_info() {
        let error =
            ErrorAnswer { info: Some(json!({ "timeout": "00:00:30" })), ..answer(ErrorCode::DeviceNotOnline, "x") };
        let outer: Value = serde_json::from_str(&error.body(Envelope::Nested)).unwrap();
        let inner: Value = serde_json::from_str(outer["Message"].as_str().unwrap()).unwrap();
        assert_eq!((inner["errorCode"].as_u64(), &inner["info"]["timeout"]), (Some(404_103), &json!("00:00:30")));
    }

    #[test]
    fn the_header_wins_over_the_body() {
        let body = answer(ErrorCode::ArgumentInvalid, "x").body(Envelope::Flat);
        let fault = HubFault::parse(429, Some("ThrottlingBacklogTimeout"), body.as_bytes());
        assert_eq!(fault.code, Some(ErrorCode::ThrottlingBacklogTimeout));
        assert!(fault.is_transient());
        assert_eq!(HubFault::parse(400, Some("400004"), b"").code, Some(ErrorCode::ArgumentInvalid));
    }

    #[test]
    fn other_bodies_still_give_a_message() {
        let html = HubFault::parse(502, None, b"<html>bad\ngateway</html>");
        assert_eq!((html.message.as_str(), html.code), ("<html>bad gateway</html>", None));
        assert_eq!(HubFault::parse(500, None, br#"{"error":"x"}"#).message, r#"{"error":"x"}"#);
        assert_eq!(HubFault::parse(503, None, b"").to_string(), "the hub answered 503");
        let plain = HubFault::parse(400, None, br#"{"Message":"just text"}"#);
        assert_eq!(plain.to_string(), "the hub answered 400: just text");
    }

    proptest! {
        #[test]
        fn what_a_hub_writes_a_client_reads(index in 0..ErrorCode::ALL.len(), message in "[a-zA-Z0-9 :;'\"{}]{1,40}", at in 0..3usize) {
            let message = message.trim().to_owned();
            let code = ErrorCode::ALL[index];
            let envelope = [Envelope::Named, Envelope::Flat, Envelope::Nested][at];
            let fault = HubFault::parse(code.status(), None, answer(code, &message).body(envelope).as_bytes());
            let tracking_id = Some("8a1c-G:10".to_owned());
            prop_assert_eq!(fault, HubFault { status: code.status(), code: Some(code), message, tracking_id });
        }

        #[test]
        fn no_bytes_make_the_reader_panic(body in any::<Vec<u8>>(), header in any::<String>()) {
            let _ = HubFault::parse(400, Some(&header), &body);
        }

        #[test]
        fn no_json_makes_it_panic_either(code in "(1|null|\"x\"|-5|1e99)", message in "(1|null|\"ErrorCode:\"|\"\\{\\}\"|\"ErrorCode:;\")") {
            let body = format!(r#"{{"errorcode":{code},"Message":{message},"ExceptionMessage":{message}}}"#);
            let fault = HubFault::parse(400, None, body.as_bytes());
            prop_assert!(fault.code.is_none());
        }
    }
}
