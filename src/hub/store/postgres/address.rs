//! Where the database is: `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…&sslrootcert=…`.

use std::{fmt, path::PathBuf, time::Duration};

use percent_encoding::percent_decode_str;
use tokio_postgres::{Config, config::SslMode};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// An address of a database that nothing is wrong with. Shows no password.
#[derive(Clone)]
pub(crate) struct Address {
    pub(super) config: Config,
    pub(super) trust: Trust,
}

/// How far the server's certificate is looked at; PostgreSQL's own words for it are in [`Address::parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trust {
    /// `disable`, `prefer`, `require`: not at all.
    Anybody,
    /// `verify-ca`: an authority that is trusted has signed it.
    Authority(Roots),
    /// `verify-full`: and it is for the host that was dialled.
    Host(Roots),
}

/// Whom to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Roots {
    /// Those of the operating system.
    System,
    /// Those in a PEM file.
    File(PathBuf),
}

/// The address is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddressError {
    /// Another kind of address.
    #[error("the address of a store begins with `postgres://` or `postgresql://`")]
    Scheme,
    /// It cannot be taken apart. What is wrong is not quoted: it may be a piece of the password.
    #[error(
        "the store's address cannot be read: expected postgres://USER:PASSWORD@HOST:PORT/DATABASE, with reserved \
         characters such as `@`, `/` and `?` in user and password percent-encoded"
    )]
    Form,
    /// `sslmode` has an unknown value.
    #[error("sslmode is one of disable, prefer, require, verify-ca and verify-full")]
    SslMode,
}

impl Address {
    /// Reads an address. `sslrootcert` without `sslmode` asks for `verify-full`; without either it is `prefer`, as
    /// everywhere with PostgreSQL.
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(AddressError::Scheme);
        }
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut mode, mut roots, mut rest) = (None, Roots::System, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let decoded = |value: &str| percent_decode_str(value).decode_utf8().map(String::from);
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = Some(decoded(value).map_err(|_| AddressError::Form)?),
                Some(("sslrootcert", value)) => match decoded(value).map_err(|_| AddressError::Form)?.as_str() {
                    "system" => {}
                    file => roots = Roots::File(file.into()),
                },
                _ => rest.push(pair),
            }
        }
        let plain = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        let mut config: Config = plain.parse().map_err(|_| AddressError::Form)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(AddressError::Form);
        }
        let default = if roots == Roots::System { "prefer" } else { "verify-full" };
        let (ssl, trust) = match mode.as_deref().unwrap_or(default) {
            "disable" => (SslMode::Disable, Trust::Anybody),
            "allow" | "prefer" => (SslMode::Prefer, Trust::Anybody),
            "require" => (SslMode::Require, Trust::Anybody),
            "verify-ca" => (SslMode::Require, Trust::Authority(roots)),
            "verify-full" => (SslMode::Require, Trust::Host(roots)),
            _ => return Err(AddressError::SslMode),
        };
        config.ssl_mode(ssl);
        if config.get_application_name().is_none() {
            config.application_name("twinops-hub");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        // A server that vanished without a word is found out soon.
        config.keepalives_idle(Duration::from_secs(10)).keepalives_interval(Duration::from_secs(5));
        config.keepalives_retries(3).tcp_user_timeout(Duration::from_secs(20));
        Ok(Self { config, trust })
    }
}

/// Host and database, for people.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            tokio_postgres::config::Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
        });
        write!(f, "{}/{}", hosts.collect::<Vec<_>>().join(","), self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> (SslMode, Trust) {
        let address = Address::parse(text).unwrap();
        (address.config.get_ssl_mode(), address.trust)
    }

    #[test]
    fn every_mode_of_tls_is_understood() {
        assert_eq!(parse("postgres://a:b@h/d"), (SslMode::Prefer, Trust::Anybody));
        assert_eq!(parse("postgresql://a:b@h/d?sslmode=disable"), (SslMode::Disable, Trust::Anybody));
        assert_eq!(parse("postgres://a@h:1/d?sslmode=require&application_name=x"), (SslMode::Require, Trust::Anybody));
        let file = Roots::File("/etc/a b.pem".into());
        let text = "postgres://a@h/d?sslrootcert=%2Fetc%2Fa%20b.pem";
        assert_eq!(parse(text), (SslMode::Require, Trust::Host(file.clone())));
        assert_eq!(parse(&format!("{text}&sslmode=verify-ca")), (SslMode::Require, Trust::Authority(file)));
        assert_eq!(parse("postgres://a@h/d?sslmode=verify-full"), (SslMode::Require, Trust::Host(Roots::System)));
        assert!(matches!(Address::parse("postgres://a@h/d?sslmode=never"), Err(AddressError::SslMode)));
        assert!(matches!(Address::parse("mysql://a@h/d"), Err(AddressError::Scheme)));
        assert!(matches!(Address::parse("postgres:///d"), Err(AddressError::Form)));
    }

    #[test]
    fn an_address_shows_no_password() {
        let address = Address::parse("postgres://me:hunter2@db.example:6543/hub").unwrap();
        assert_eq!(format!("{address} {address:?}"), "db.example/hub Address(db.example/hub)");
        let bad = Address::parse("postgres://me:hunter2@db.example:hunter2/hub?hunter2=hunter2").unwrap_err();
        assert!(!format!("{bad} {bad:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn no_address_makes_the_reader_panic(text in ".{0,60}") {
            let _ = Address::parse(&text);
            let _ = Address::parse(&format!("postgres://{text}"));
        }
    }
}
