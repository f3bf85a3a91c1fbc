//! Which hosts are reached through a proxy.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::{Uri, header::HeaderValue};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use crate::iothub::Secret;

/// The proxy to use, if any, and for which hosts not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    proxy: Option<Proxy>,
    except: Vec<String>,
}

/// A proxy that connects to others by CONNECT. Shows itself without its login.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// `user:password` in base64.
    login: Option<Secret>,
}

/// Why a text names no proxy. No message holds the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// Not of this form.
    #[error("a proxy is written http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT")]
    Form,
    /// Its login stands where everybody reads it.
    #[error(
        "arguments are for every user of this machine to read; put the proxy with its password into a file of mode 0600 and name that with --proxy-file, or use the variable HTTPS_PROXY"
    )]
    Login,
}

impl Proxies {
    /// A proxy, and the hosts that are reached without it: names, domains and addresses between commas, or `*`.
    ///
    /// # Errors
    /// When the text names no proxy.
    pub fn parse(url: &str, except: &str) -> Result<Self, ProxyError> {
        let uri: Uri = url.trim().parse().map_err(|_| ProxyError::Form)?;
        if uri.scheme_str() != Some("http") || uri.path().len() > 1 {
            return Err(ProxyError::Form);
        }
        let host =
            uri.host().filter(|host| !host.is_empty()).ok_or(ProxyError::Form)?.trim_matches(['[', ']']).to_owned();
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let login = authority.rsplit_once('@').map(|(login, _)| {
            let decoded = Zeroizing::new(percent_decode_str(login).collect::<Vec<u8>>());
            Secret::new(STANDARD.encode(&*decoded))
        });
        let except = except.split(',').map(|one| one.trim().trim_start_matches('.').to_ascii_lowercase());
        let proxy = Proxy { host, port: uri.port_u16().unwrap_or(80), login };
        Ok(Self { proxy: Some(proxy), except: except.filter(|one| !one.is_empty()).collect() })
    }

    /// What is given on a command line, or what `HTTPS_PROXY` and `NO_PROXY` say, as `variable` looks them up.
    ///
    /// # Errors
    /// When the text names no proxy, or a password stands on the command line.
    pub fn choose(
        given: Option<&str>,
        file: Option<&Secret>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ProxyError> {
        let named = |name: &str| variable(name).or_else(|| variable(&name.to_ascii_lowercase()));
        let except = named("NO_PROXY").unwrap_or_default();
        if let Some(url) = given {
            let proxies = Self::parse(url, &except)?;
            let has_login = proxies.proxy.as_ref().is_some_and(|proxy| proxy.login.is_some());
            return if has_login { Err(ProxyError::Login) } else { Ok(proxies) };
        }
        if let Some(url) = file {
            return Self::parse(url.reveal(), &except);
        }
        match named("HTTPS_PROXY").map(Zeroizing::new).filter(|url| !url.trim().is_empty()) {
            Some(url) => Self::parse(&url, &except),
            None => Ok(Self::default()),
        }
    }

    /// The proxy for a host.
    pub(crate) fn of(&self, host: &str) -> Option<&Proxy> {
        let host = host.to_ascii_lowercase();
        let is_below = |name: &str| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        let direct = self.except.iter().any(|one| one == "*" || is_below(one));
        self.proxy.as_ref().filter(|_| !direct)
    }
}

impl Proxy {
    /// What tells the proxy who asks.
    pub(super) fn login(&self) -> Option<HeaderValue> {
        let text = Zeroizing::new(format!("Basic {}", self.login.as_ref()?.reveal()));
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_read_and_its_password_is_shown_nowhere() {
        let proxies = Proxies::parse("http://ann:p%40ss@proxy.example:3128/", "").unwrap();
        let proxy = proxies.of("hub.example").unwrap();
        assert_eq!(proxy.to_string(), "proxy.example:3128");
        assert_eq!(proxy.login().unwrap(), format!("Basic {}", STANDARD.encode("ann:p@ss")));
        assert!(!format!("{proxies:?} {:?}", proxy.login()).contains("p@ss"));
        assert_eq!(Proxies::parse("http://[::1]:80", "").unwrap().of("h").unwrap().host, "::1");
        for text in ["", "proxy", "https://proxy:1", "socks5://proxy:1", "http://proxy/path", "http://:80"] {
            assert_eq!(Proxies::parse(text, ""), Err(ProxyError::Form), "{text}");
        }
    }

    #[test]
    fn some_hosts_are_reached_without_it() {
        let proxies = Proxies::parse("http://proxy", "localhost, .inner.example,10.0.0.1").unwrap();
        for host in ["localhost", "LOCALHOST", "inner.example", "hub.inner.example", "10.0.0.1"] {
            assert_eq!(proxies.of(host), None, "{host}");
        }
        for host in ["mylocalhost", "example", "other.example", "110.0.0.1"] {
            assert!(proxies.of(host).is_some(), "{host}");
        }
        assert_eq!(Proxies::parse("http://proxy", "*").unwrap().of("hub"), None);
    }

    #[test]
    fn what_is_given_goes_before_the_surroundings_and_holds_no_password() {
        let around = |name: &str| match name {
            "https_proxy" => Some("http://u:p@around:1".to_owned()),
            "NO_PROXY" => Some("near".to_owned()),
            _ => None,
        };
        let chosen = |given, file: Option<&Secret>| Proxies::choose(given, file, around).unwrap();
        assert_eq!(chosen(None, None).of("h").unwrap().to_string(), "around:1");
        assert_eq!(chosen(Some("http://given:2"), None).of("h").unwrap().to_string(), "given:2");
        let file = Secret::new("http://u:p@file:3");
        assert_eq!(chosen(None, Some(&file)).of("h").unwrap().to_string(), "file:3");
        assert_eq!(chosen(None, Some(&file)).of("near"), None);
        assert_eq!(Proxies::choose(Some("http://u:p@h:1"), None, around), Err(ProxyError::Login));
        assert_eq!(Proxies::choose(None, None, |_| None), Ok(Proxies::default()));
    }
}
