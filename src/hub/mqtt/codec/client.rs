//! A client's packets as bytes, for tests: nothing of it is checked, so that it can also write nonsense.

use super::encode::remaining_length;

/// A packet with this first byte around a body.
pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    remaining_length(&mut out, body.len());
    out.extend_from_slice(body);
    out
}

/// Bytes behind their length.
pub(crate) fn field(bytes: &[u8]) -> Vec<u8> {
    let mut out = u16::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    out.extend_from_slice(bytes);
    out
}

/// What a CONNECT is made of.
#[derive(Debug, Clone)]
pub(crate) struct ConnectPacket {
    pub(crate) client_id: String,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) keep_alive: u16,
    pub(crate) clean: bool,
    pub(crate) will: Option<(String, Vec<u8>)>,
}

impl ConnectPacket {
    /// As the SDKs do: not clean, with a user name that agrees with the client id.
    pub(crate) fn of(client_id: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            username: Some(format!("hub.example/{client_id}/?api-version=2021-04-12")),
            password: Some("token".to_owned()),
            keep_alive: 60,
            clean: false,
            will: None,
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut flags = if self.clean { 0x02 } else { 0 };
        let mut body = field(self.client_id.as_bytes());
        if let Some((topic, payload)) = &self.will {
            flags |= 0x04;
            body.extend(field(topic.as_bytes()));
            body.extend(field(payload));
        }
        if let Some(username) = &self.username {
            flags |= 0x80;
            body.extend(field(username.as_bytes()));
        }
        if let Some(password) = &self.password {
            flags |= 0x40;
            body.extend(field(password.as_bytes()));
        }
        let [high, low] = self.keep_alive.to_be_bytes();
        packet(0x10, &[b"\0\x04MQTT\x04".as_slice(), &[flags, high, low], &body].concat())
    }
}

pub(crate) fn publish(topic: &str, id: Option<u16>, retain: bool, payload: &[u8]) -> Vec<u8> {
    let first = 0x30 | u8::from(retain) | if id.is_some() { 2 } else { 0 };
    let id = id.map(u16::to_be_bytes);
    packet(
        first,
        &[field(topic.as_bytes()).as_slice(), id.as_ref().map_or(&[][..], |id| id.as_slice()), payload].concat(),
    )
}

pub(crate) fn subscribe(id: u16, filters: &[(&str, u8)]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    for (filter, qos) in filters {
        body.extend(field(filter.as_bytes()));
        body.push(*qos);
    }
    packet(0x82, &body)
}

pub(crate) fn unsubscribe(id: u16, filters: &[&str]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    body.extend(filters.iter().flat_map(|filter| field(filter.as_bytes())));
    packet(0xA2, &body)
}

pub(crate) fn puback(id: u16) -> Vec<u8> {
    packet(0x40, &id.to_be_bytes())
}

pub(crate) const PINGREQ: [u8; 2] = [0xC0, 0];
pub(crate) const DISCONNECT: [u8; 2] = [0xE0, 0];
