//! What the portal takes.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;

use super::{HubAccess, RepoArgs, duration};
use crate::twin::PropertyPath;

/// Of `portal`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  twinops portal --fleet ~/kiosks\n  twinops portal --hub contoso.azure-devices.net\n  \
                        twinops portal --listen 0.0.0.0:443 --listen-cert portal.pem --listen-key portal.key \\\n    \
                        --url https://portal.example.org --audit /var/log/twinops-portal.ndjson\n\n\
                        It prints a link that signs one browser in, and another one as soon as that is used."
)]
pub struct PortalArgs {
    /// The hub.
    #[command(flatten)]
    pub hub: HubAccess,
    /// The fleet's repository; a remote's new commits are fetched every minute.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// Serve here; a loopback address, unless there is a certificate.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", help_heading = "Portal")]
    pub listen: SocketAddr,
    /// Serve over TLS with this certificate and those that signed it (PEM).
    #[arg(long, value_name = "FILE", requires = "listen_key", help_heading = "Portal")]
    pub listen_cert: Option<PathBuf>,
    /// The certificate's key (PEM).
    #[arg(long, value_name = "FILE", requires = "listen_cert", help_heading = "Portal")]
    pub listen_key: Option<PathBuf>,
    /// How its pages are served.
    #[command(flatten)]
    pub pages: PagesArgs,
}

/// How the pages of a portal are served.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Portal")]
pub struct PagesArgs {
    /// How often all twins are read; less often where that takes long.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub refresh: Duration,
    /// A tag by whose values devices are told apart, up to four; without it, those that the fleet's conditions look at.
    #[arg(long = "facet", value_name = "TAG")]
    pub facets: Vec<PropertyPath>,
    /// Append who did what to this file, one JSON document a line.
    #[arg(long, value_name = "FILE")]
    pub audit: Option<PathBuf>,
    /// Keep the numbers over time in this file, one JSON document a line.
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// The address by which browsers reach it, where a proxy stands before it.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

impl Default for PagesArgs {
    fn default() -> Self {
        Self { refresh: Duration::from_secs(30), facets: Vec::new(), audit: None, history: None, url: None }
    }
}
