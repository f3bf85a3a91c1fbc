//! Who vouches for a certificate, and until when: the little of X.509 (RFC 5280, section 4.1) that a person asks for.

use std::fmt;

const SEQUENCE: u8 = 0x30;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
/// Names of a common name and of an organisation, 2.5.4.3 and 2.5.4.10.
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANISATION: &[u8] = &[0x55, 4, 10];

/// What a person asks of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    issuer: String,
    from: String,
    until: String,
}

impl Facts {
    /// Reads a certificate in DER; `None` when it is none.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate, _) = element(der)?;
        let (_, body, _) = element(certificate)?;
        // A version may stand first; then come a serial number and an algorithm.
        let (tag, _, rest) = element(body)?;
        let (_, _, rest) = if tag == 0xA0 { element(rest)? } else { (0, body, rest) };
        let (_, _, rest) = element(rest)?;
        let (_, issuer, rest) = element(rest)?;
        let (_, validity, _) = element(rest)?;
        let (kind, from, rest) = element(validity)?;
        let (until_kind, until, _) = element(rest)?;
        Some(Self { issuer: name(issuer), from: day(kind, from)?, until: day(until_kind, until)? })
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "of `{}`, good from {} to {}", self.issuer, self.from, self.until)
    }
}

/// An element's tag and content, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = bytes.split_first_chunk()?;
    let (length, rest) = match first {
        short @ ..=0x7F => (usize::from(short), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), rest.get(2..)?),
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The common name, or else the organisation.
fn name(mut parts: &[u8]) -> String {
    let mut organisation = None;
    while let Some((_, set, rest)) = element(parts) {
        parts = rest;
        let Some((SEQUENCE, pair, _)) = element(set) else { continue };
        let Some((OBJECT, kind, value)) = element(pair) else { continue };
        let Some((_, text, _)) = element(value) else { continue };
        // A stranger wrote it, and it goes to a terminal.
        let text: String = String::from_utf8_lossy(text).chars().filter(|c| !c.is_control()).collect();
        match kind {
            COMMON_NAME => return text,
            ORGANISATION => organisation = Some(text),
            _ => {}
        }
    }
    organisation.unwrap_or_else(|| "an authority without a name".to_owned())
}

/// `2026-11-24` of `261124…` or `20261124…`.
fn day(kind: u8, time: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(time).ok().filter(|text| text.is_ascii())?;
    let text = if kind == UTC_TIME {
        let century = if text.get(..2)? < "50" { "20" } else { "19" };
        format!("{century}{text}")
    } else {
        text.to_owned()
    };
    Some(format!("{}-{}-{}", text.get(..4)?, text.get(4..6)?, text.get(6..8)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn the_issuer_and_the_days_are_read() {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::OrganizationName, "Acme");
        params.distinguished_name.push(DnType::CommonName, "Acme Root");
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 2), date_time_ymd(2061, 3, 4));
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let facts = Facts::read(made.der()).unwrap();
        assert_eq!(facts.to_string(), "of `Acme Root`, good from 2020-01-02 to 2061-03-04");
        for end in 0..40 {
            assert_eq!(Facts::read(&made.der()[..end]), None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
            let _ = Facts::read(&bytes);
        }
    }
}
