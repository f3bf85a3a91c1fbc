//! Where the next page begins: `x-ms-continuation`, opaque to clients.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use crate::{
    hub::{failure::Failure, ports::LinkId},
    twin::DeviceId,
};

/// A place in the rows of one query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// How many rows went before.
    pub(super) rows: u64,
    /// What was looked at last; nothing at the beginning.
    pub(super) after: Option<LinkId>,
}

impl Place {
    /// The token of a place; good for this query only.
    pub(super) fn token(&self, query: &str) -> String {
        let after = self.after.as_ref().map_or_else(String::new, LinkId::to_string);
        STANDARD.encode(format!("1 {} {} {after}", print(query), self.rows))
    }

    /// Reads a token.
    pub(super) fn parse(token: &str, query: &str) -> Result<Self, Failure> {
        Self::read(token, query).ok_or_else(|| {
            Failure::invalid("x-ms-continuation is not one that this hub gave for this query; start again without it")
        })
    }

    fn read(token: &str, query: &str) -> Option<Self> {
        let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
        let mut parts = text.splitn(4, ' ');
        let ours = parts.next()? == "1" && parts.next()? == print(query);
        let rows = parts.next()?.parse().ok()?;
        let after = match parts.next()? {
            "" => None,
            after => Some(link(after)?),
        };
        ours.then_some(Self { rows, after })
    }
}

/// Reads what a link prints.
fn link(text: &str) -> Option<LinkId> {
    let (device, module) = text.split_once('/').map_or((text, None), |(device, module)| (device, Some(module)));
    Some(LinkId { device: DeviceId::new(device).ok()?, module: module.map(Into::into) })
}

/// Tells queries apart.
pub(super) fn print(query: &str) -> String {
    let digest = Sha256::digest(query);
    STANDARD.encode(&digest[..9])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_is_found_again_for_the_same_query_only(rows in any::<u64>(), device in proptest::option::of("[a-z:.]{1,9}"), module in proptest::option::of("[$a-z:.]{1,9}"), junk in any::<String>()) {
            let after = device.map(|device| LinkId { device: DeviceId::new(&device).unwrap(), module: module.map(Into::into) });
            let place = Place { rows, after };
            let token = place.token("SELECT * FROM devices");
            prop_assert_eq!(Place::parse(&token, "SELECT * FROM devices"), Ok(place));
            prop_assert!(Place::parse(&token, "SELECT * FROM devices ").is_err());
            prop_assert!(Place::parse(&junk, "").is_err());
        }
    }
}
