//! What the portal takes.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};

use super::{ForgeArgs, HubAccess, RepoArgs, duration};
use crate::{
    portal::{Role, UnknownRole},
    twin::PropertyPath,
};

/// Of `portal`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  twinops portal --fleet ~/kiosks\n  twinops portal --hub contoso.azure-devices.net\n  \
                        twinops portal --listen 0.0.0.0:443 --listen-cert portal.pem --listen-key portal.key \\\n    \
                        --url https://portal.example.org --audit /var/log/twinops-portal.ndjson\n\n\
                        It prints a link that signs one browser in, and another one as soon as that is used; with an\n\
                        issuer of OpenID Connect people sign in there:\n  \
                        twinops portal --url https://portal.example.org --sign-in https://login.example.org/realms/ops \\\n    \
                        --sign-in-client twinops --sign-in-secret-file secret --sign-in-role fleet-admins=admin"
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
    /// The address by which browsers reach it, where a proxy stands before it or people sign in at an issuer.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// What whoever follows the printed link may do.
    #[arg(long, value_name = "ROLE", value_parser = role(), default_value = "admin")]
    pub link_role: Role,
    /// Where pull requests of what is proposed are opened; GitHub and GitLab are known by the repository's remote.
    #[command(flatten)]
    pub forge: ForgeArgs,
    /// Who may sign in.
    #[command(flatten)]
    pub sign_in: SignInArgs,
}

/// Whose accounts open a portal. Without them it prints links.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Sign-in")]
pub struct SignInArgs {
    /// People sign in at this issuer (`OpenID` Connect), named exactly as its tokens name it. It is to send them back to
    /// `/callback` below the address of `--url`.
    #[arg(long = "sign-in", value_name = "ISSUER", requires_all = ["url", "client"])]
    pub issuer: Option<String>,
    /// As what this portal is known to it.
    #[arg(id = "client", long = "sign-in-client", value_name = "ID", requires = "issuer")]
    pub client: Option<String>,
    /// What it proves that with; a public client has none.
    #[arg(long = "sign-in-secret-file", value_name = "FILE", requires = "issuer")]
    pub secret_file: Option<PathBuf>,
    /// The claim with the roles, or the way to it: `realm_access.roles`.
    #[arg(long = "sign-in-claim", value_name = "CLAIM", default_value = "roles")]
    pub claim: String,
    /// What a value of that claim means: `fleet-admins=admin`; may be given several times. `viewer` (looks), `operator`
    /// (calls methods, proposes changes) and `admin` mean themselves.
    #[arg(long = "sign-in-role", value_name = "VALUE=ROLE", value_parser = meaning, requires = "issuer")]
    pub roles: Vec<(String, Role)>,
    /// Authorities (PEM) by which the issuer is trusted, instead of the system's.
    #[arg(long = "sign-in-ca", value_name = "FILE", requires = "issuer")]
    pub ca: Option<PathBuf>,
}

fn meaning(text: &str) -> Result<(String, Role), String> {
    let (value, role) = text.rsplit_once('=').ok_or("write VALUE=ROLE, e.g. `fleet-admins=admin`")?;
    let role = role.trim().parse().map_err(|error: UnknownRole| error.to_string())?;
    if value.is_empty() { Err("the value before `=` is empty".to_owned()) } else { Ok((value.to_owned(), role)) }
}

impl Default for PagesArgs {
    fn default() -> Self {
        Self {
            refresh: Duration::from_secs(30),
            facets: Vec::new(),
            audit: None,
            history: None,
            url: None,
            link_role: Role::Admin,
            forge: ForgeArgs::default(),
            sign_in: SignInArgs::default(),
        }
    }
}

fn role() -> impl TypedValueParser<Value = Role> {
    let roles = [Role::Viewer, Role::Operator, Role::Admin];
    let said = ["look", "call methods of devices, and propose changes", "everything"];
    let values = roles.iter().zip(said).map(|(role, help)| PossibleValue::new(role.word()).help(help));
    PossibleValuesParser::new(values)
        .try_map(move |word| roles.into_iter().find(|role| role.word() == word).ok_or("no such role"))
}
