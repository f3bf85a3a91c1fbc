//! Topics, user names, connection strings and the other small texts of the protocol: what prints reads as the same.

use twinops::{
    iothub::{
        Audience, ClientId, ConnectionString, Deliver, ETag, Filter, HostName, IfMatch, Key, Permissions, Properties,
        Publish, RegistrantName, RegistrationId, Username,
        topic::{RegistrationRequest, RegistrationResponse},
    },
    twin::{DeviceId, PropertyPath},
};

use crate::comes_back;

/// The input is any text.
pub fn names(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    comes_back::<Publish>(text);
    comes_back::<Deliver>(text);
    comes_back::<Filter>(text);
    comes_back::<RegistrationRequest>(text);
    comes_back::<RegistrationResponse>(text);
    comes_back::<Username>(text);
    comes_back::<ClientId>(text);
    comes_back::<RegistrantName>(text);
    comes_back::<RegistrationId>(text);
    comes_back::<HostName>(text);
    comes_back::<DeviceId>(text);
    comes_back::<PropertyPath>(text);
    if let Ok(properties) = Properties::parse(text) {
        assert_eq!(Properties::parse(&properties.to_string()), Ok(properties));
    }
    if let Some(audience) = Audience::parse(text) {
        assert_eq!(Audience::parse(&audience.to_string()), Some(audience));
    }
    let etag = ETag::parse(text);
    assert_eq!(ETag::parse(&etag.to_string()), etag);
    let if_match = IfMatch::parse(text);
    assert_eq!(IfMatch::parse(&if_match.to_string()), if_match);
    if let Some(permissions) = Permissions::parse(text) {
        assert_eq!(Permissions::parse(&permissions.to_string()), Some(permissions));
    }
    if let Ok(key) = Key::parse(text) {
        assert_eq!(key.reveal(), text, "a key is echoed byte for byte");
    }
    connection_string(text);
}

fn connection_string(text: &str) {
    let Ok(connection) = ConnectionString::parse(text) else { return };
    let written = match &connection {
        ConnectionString::Service(service) => service.to_connection_string(),
        ConnectionString::Device(device) => device.to_connection_string(),
    };
    assert_eq!(ConnectionString::parse(written.reveal()).as_ref(), Ok(&connection));
    let key = text.split(';').find_map(|part| part.strip_prefix("SharedAccessKey="));
    // One that stands elsewhere as well is no secret.
    let is_secret = |key: &&str| key.len() >= 24 && text.matches(key).count() == 1;
    assert!(key.filter(is_secret).is_none_or(|key| !format!("{connection:?}").contains(key)), "a key is shown");
}
