//! Who gets into a hub, and how many.

use std::{net::IpAddr, num::NonZeroUsize, path::PathBuf};

use clap::Args;

use crate::hub::{ConnectionLimits, DataRole, OidcConfig};

/// Of `hub`: bearer tokens.
#[derive(Debug, Args)]
#[command(next_help_heading = "Bearer tokens")]
pub struct EntryArgs {
    /// Take bearer tokens of this issuer (OIDC) for the service API, named exactly as its tokens name it.
    #[arg(long, value_name = "URL", requires = "oidc_audiences")]
    pub oidc_issuer: Option<String>,
    /// For whom its tokens have to be; may be given several times.
    #[arg(long = "oidc-audience", value_name = "AUDIENCE", requires = "oidc_issuer")]
    pub oidc_audiences: Vec<String>,
    /// The claim with the roles, or the way to it: `realm_access.roles`.
    #[arg(long, value_name = "CLAIM", default_value = "roles")]
    pub oidc_role_claim: String,
    /// What a value of that claim means: `fleet-admins=IoT Hub Data Contributor`; may be given several times. The roles
    /// `IoT Hub Data Contributor`, `IoT Hub Data Reader`, `IoT Hub Registry Contributor` and
    /// `IoT Hub Twin Contributor` mean themselves.
    #[arg(long = "oidc-role", value_name = "VALUE=ROLE", value_parser = role, requires = "oidc_issuer")]
    pub oidc_roles: Vec<(String, DataRole)>,
    /// Authorities (PEM) by which the issuer is trusted, instead of the system's.
    #[arg(long, value_name = "FILE", requires = "oidc_issuer")]
    pub oidc_ca: Option<PathBuf>,
}

impl EntryArgs {
    /// For the hub.
    pub fn config(&self) -> Option<OidcConfig> {
        let Self { oidc_issuer, oidc_audiences, oidc_role_claim, oidc_roles, oidc_ca } = self;
        oidc_issuer.clone().map(|issuer| OidcConfig {
            issuer,
            audiences: oidc_audiences.clone(),
            role_claim: oidc_role_claim.clone(),
            roles: oidc_roles.clone(),
            ca: oidc_ca.clone(),
        })
    }
}

/// Of `hub`: limits.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Connections at a time; without it, as many as the system's limit of open files leaves.
    #[arg(long, value_name = "N")]
    pub max_connections: Option<NonZeroUsize>,
    /// Connections at a time from one address, or one /64 network of IPv6; without it, a quarter of all.
    #[arg(long, value_name = "N")]
    pub max_connections_per_address: Option<NonZeroUsize>,
    /// TLS handshakes at a time; others wait.
    #[arg(long, value_name = "N", default_value_t = default_handshakes())]
    pub max_handshakes: NonZeroUsize,
    /// Failed attempts in a minute from one address beyond which it is turned away for a while; 0 for any number.
    #[arg(long, value_name = "N", default_value_t = ConnectionLimits::default().failures_per_minute)]
    pub max_failures: u32,
    /// The address of a proxy with many clients behind it, which is not limited by itself; may be given several times.
    /// Its X-Forwarded-For is believed, so it must set that itself. This machine is none of those that are limited.
    #[arg(long = "trusted-proxy", value_name = "ADDR")]
    pub trusted_proxies: Vec<IpAddr>,
}

fn default_handshakes() -> NonZeroUsize {
    NonZeroUsize::new(ConnectionLimits::default().handshakes).unwrap_or(NonZeroUsize::MIN)
}

impl LimitArgs {
    /// For the hub.
    pub fn config(&self) -> ConnectionLimits {
        let usual = ConnectionLimits::default();
        ConnectionLimits {
            connections: self.max_connections.map(NonZeroUsize::get),
            connections_per_address: self.max_connections_per_address.map(NonZeroUsize::get),
            handshakes: self.max_handshakes.get(),
            failures_per_minute: self.max_failures,
            proxies: self.trusted_proxies.clone(),
            exempt: usual.exempt.into_iter().chain(self.trusted_proxies.iter().copied()).collect(),
        }
    }
}

fn role(text: &str) -> Result<(String, DataRole), String> {
    let (value, role) =
        text.rsplit_once('=').ok_or("write VALUE=ROLE, e.g. `fleet-admins=IoT Hub Data Contributor`")?;
    let role = role.trim().parse().map_err(|error: crate::hub::UnknownRole| error.to_string())?;
    if value.is_empty() { Err("the value before `=` is empty".to_owned()) } else { Ok((value.to_owned(), role)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_means_a_role() {
        assert_eq!(role("a=b=IoT Hub Data Reader"), Ok(("a=b".to_owned(), DataRole::Reader)));
        for wrong in ["", "x", "x=", "=IoT Hub Data Reader", "x=Reader"] {
            assert!(role(wrong).is_err(), "{wrong}");
        }
    }
}
