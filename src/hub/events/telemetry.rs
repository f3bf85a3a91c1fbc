//! A message of a device (protocol reference 11.3).

use serde_json::Value;

use super::line::{Line, Source};
use crate::{
    hub::{ports::LinkId, time},
    iothub::Properties,
};

/// Keys of the bag, and what they are called as system properties.
const SYSTEM: [(&str, &str); 11] = [
    ("$.mid", "message-id"),
    ("$.cid", "correlation-id"),
    ("$.uid", "user-id"),
    ("$.to", "to"),
    ("$.ct", CONTENT_TYPE),
    ("$.ce", CONTENT_ENCODING),
    ("$.ctime", "iothub-creation-time-utc"),
    ("$.exp", "absolute-expiry-time"),
    ("$.on", "iothub-outputname"),
    ("$.ifid", "iothub-interface-id"),
    ("$.sub", "dt-subject"),
];
const CONTENT_TYPE: &str = "content-type";
const CONTENT_ENCODING: &str = "content-encoding";
/// What only the hub may say.
const OWN: [&str; 3] = ["iothub-connection-", "iothub-message-source", "iothub-enqueuedtime"];

/// The line of a message; nothing if its properties cannot be read.
pub(super) fn line(link: &LinkId, properties: &str, payload: &[u8]) -> Option<Vec<u8>> {
    let bag = Properties::parse(properties).ok()?;
    let mut message = Line::new(Source::Telemetry, link, &time::text(time::now()));
    for (key, value) in bag.iter() {
        // A key alone means null, which is not the same as empty.
        let value = value.map_or(Value::Null, Value::from);
        match system(key) {
            Place::System(name) => message.system(name, value),
            Place::Application => message.property(key, value),
            Place::Nowhere => {}
        }
    }
    let content = |name| bag.get(name).unwrap_or_default();
    let is_json = is_json(content("$.ct"), content("$.ce"));
    Some(match std::str::from_utf8(payload) {
        Ok(text) if is_json => message.with_json(text),
        _ => message.with_bytes(payload),
    })
}

enum Place<'a> {
    System(&'a str),
    Application,
    Nowhere,
}

fn system(key: &str) -> Place<'_> {
    if let Some((_, name)) = SYSTEM.iter().find(|(known, _)| *known == key) {
        return Place::System(name);
    }
    let lower = key.to_ascii_lowercase();
    if OWN.iter().any(|own| lower.starts_with(own)) {
        return Place::Nowhere;
    }
    if lower.starts_with("iothub-") { Place::System(key) } else { Place::Application }
}

/// Whether the sender says that it sends JSON that can be read as it stands.
fn is_json(content_type: &str, encoding: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let is_utf8 = encoding.is_empty() || encoding.eq_ignore_ascii_case("utf-8");
    kind.eq_ignore_ascii_case("application/json") && is_utf8
}
