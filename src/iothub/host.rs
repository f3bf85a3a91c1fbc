//! Host names, with or without a port.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Why a text is not a host name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a host name; write it as in `contoso.azure-devices.net` or `localhost:8443`, without `https://`")]
pub struct HostNameError(String);

/// A hub's name as connection strings have it: `contoso.azure-devices.net`, `localhost:8443` (protocol reference 1.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostName {
    name: String,
    port: Option<u16>,
}

impl HostName {
    /// Reads `host` or `host:port`.
    ///
    /// # Errors
    ///
    /// When the text is a URL, has a bad port, or characters that no host name has.
    pub fn parse(text: &str) -> Result<Self, HostNameError> {
        let fail = || HostNameError(text.chars().take(80).collect());
        let (name, port) = split_port(text);
        let port = port.map(|port| port.parse().map_err(|_| fail())).transpose()?;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        if name.is_empty() || !name.chars().all(fits) || (name.contains(':') && !name.starts_with('[')) {
            return Err(fail());
        }
        Ok(Self { name: name.to_owned(), port })
    }

    /// The name alone, for TLS and for looking up addresses; an IPv6 address is in brackets.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port, if one was written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The first label, by which Azure knows the hub: `contoso`.
    pub fn hub(&self) -> &str {
        self.name.split('.').next().unwrap_or_default()
    }

    /// Whether a token or user name that names `text` means this host: letter case does not count, and a port counts
    /// only when both have one (protocol reference 1.3).
    pub fn is(&self, text: &str) -> bool {
        let (name, port) = split_port(text);
        let ports_agree = match (self.port, port) {
            (Some(ours), Some(theirs)) => theirs.parse() == Ok(ours),
            _ => true,
        };
        ports_agree && self.name.eq_ignore_ascii_case(name)
    }
}

fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        // The last colon of an IPv6 address in brackets is inside them.
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (text, None),
    }
}

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, HostNameError> {
        Self::parse(text)
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_print_as_they_were_read() {
        for text in ["contoso.azure-devices.net", "localhost:8443", "[::1]:8883", "127.0.0.1"] {
            assert_eq!(HostName::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(HostName::parse("contoso.azure-devices.net").unwrap().hub(), "contoso");
    }

    #[test]
    fn urls_and_bad_ports_are_refused() {
        for text in ["", "https://x", "x/y", "x:99999", "x:", "a b", "::1", "x:+1x"] {
            assert!(HostName::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_port_counts_only_when_both_have_one() {
        let host = HostName::parse("Hub.example:8443").unwrap();
        assert!(host.is("hub.EXAMPLE") && host.is("hub.example:8443") && !host.is("hub.example:443"));
        assert!(HostName::parse("hub.example").unwrap().is("hub.example:8443"));
        assert!(!host.is("hub.example.org") && !host.is(""));
    }
}
