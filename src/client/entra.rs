//! Tokens of Microsoft Entra ID, by the variables that Azure's own clients read.

use std::{env, path::PathBuf, time::Duration};

use reqwest::{Client, Url};
use serde::Deserialize;
use tokio::process::Command;

/// Whom to ask when `AZURE_AUTHORITY_HOST` does not say.
const AUTHORITY: &str = "https://login.microsoftonline.com/";
/// Where a virtual machine asks for the token of its managed identity, when `AZURE_POD_IDENTITY_AUTHORITY_HOST` does not
/// say.
const IMDS: &str = "http://169.254.169.254";
/// How long that address may be silent: where there is no such identity nobody answers.
const IMDS_PATIENCE: Duration = Duration::from_secs(2);

/// How long a token lasts of which nobody says so: `az` hands out none that lasts less.
const AT_LEAST: Duration = Duration::from_mins(5);

/// Why there is no token. Says nothing of what was sent.
#[derive(Debug, thiserror::Error)]
pub enum EntraError {
    /// Nobody vouches for this process.
    #[error("no identity of Azure is at hand for {resource}")]
    Nobody {
        /// What the token was for.
        resource: String,
    },
    /// The file of a federated token cannot be read.
    #[error("cannot read the federated token in {}", path.display())]
    Federated {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// `AZURE_AUTHORITY_HOST` is no address.
    #[error("AZURE_AUTHORITY_HOST makes no address: `{0}`")]
    Authority(String),
    /// Entra ID refused.
    #[error("{authority} gave no token: {message}")]
    Refused {
        /// Who was asked.
        authority: String,
        /// Its first line of explanation.
        message: String,
    },
    /// Entra ID did not answer.
    #[error("{authority} cannot be reached")]
    Unreachable {
        /// Who was asked.
        authority: String,
        /// What the HTTP library said.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A token, and how long it lasts.
pub(super) struct Token {
    pub(super) text: String,
    pub(super) lasts: Duration,
}

/// The ways to an identity that a process may have.
#[derive(Clone)]
pub struct Entra {
    tenant: Option<String>,
    client: Option<String>,
    proof: Proof,
    authority: String,
    imds: String,
    /// Whether the machine's own identity and the user's login are tried.
    ambient: bool,
}

/// How a client proves who it is.
#[derive(Clone)]
enum Proof {
    Federated(PathBuf),
    Secret(String),
    None,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// Seconds: a number, or digits when a machine's own identity is asked.
    #[serde(default)]
    expires_in: serde_json::Value,
}

impl Granted {
    fn token(self) -> Token {
        let seconds = self.expires_in.as_u64().or_else(|| self.expires_in.as_str()?.parse().ok());
        Token { text: self.access_token, lasts: seconds.map_or(AT_LEAST, Duration::from_secs) }
    }
}

#[derive(Deserialize)]
struct Denied {
    error_description: Option<String>,
    error: Option<String>,
}

impl std::fmt::Debug for Entra {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entra").field("tenant", &self.tenant).field("client", &self.client).finish_non_exhaustive()
    }
}

impl Entra {
    /// As the environment says: `AZURE_TENANT_ID` and `AZURE_CLIENT_ID` with `AZURE_FEDERATED_TOKEN_FILE` (workload
    /// identity) or `AZURE_CLIENT_SECRET`; otherwise the machine's managed identity, and then the login of `az`.
    pub fn from_environment() -> Self {
        Self::new(|name| env::var(name).ok().filter(|value| !value.is_empty()), true)
    }

    pub(super) fn new(variable: impl Fn(&str) -> Option<String>, ambient: bool) -> Self {
        let secret = || variable("AZURE_CLIENT_SECRET").map(Proof::Secret);
        let federated = variable("AZURE_FEDERATED_TOKEN_FILE").map(|path| Proof::Federated(path.into()));
        Self {
            tenant: variable("AZURE_TENANT_ID"),
            client: variable("AZURE_CLIENT_ID"),
            proof: federated.or_else(secret).unwrap_or(Proof::None),
            authority: variable("AZURE_AUTHORITY_HOST").unwrap_or_else(|| AUTHORITY.to_owned()),
            imds: variable("AZURE_POD_IDENTITY_AUTHORITY_HOST").unwrap_or_else(|| IMDS.to_owned()),
            ambient,
        }
    }

    /// A token for a resource, e.g. `https://vault.azure.net`.
    ///
    /// # Errors
    /// When nobody vouches for this process, or Entra ID refuses.
    pub(super) async fn token(&self, http: &Client, resource: &str) -> Result<Token, EntraError> {
        if let (Some(tenant), Some(client)) = (&self.tenant, &self.client)
            && !matches!(self.proof, Proof::None)
        {
            return self.by_proof(http, tenant, client, resource).await;
        }
        if self.ambient {
            if let Some(token) = self.of_machine(http, resource).await {
                return Ok(token);
            }
            if let Some(text) = of_login(resource).await {
                return Ok(Token { text, lasts: AT_LEAST });
            }
        }
        Err(EntraError::Nobody { resource: resource.to_owned() })
    }

    async fn by_proof(&self, http: &Client, tenant: &str, id: &str, resource: &str) -> Result<Token, EntraError> {
        let authority = &self.authority;
        let unparsed = |_| EntraError::Authority(authority.clone());
        let uri = Url::parse(authority).and_then(|base| base.join(&format!("{tenant}/oauth2/v2.0/token")));
        let scope = format!("{resource}/.default");
        let mut form = vec![("grant_type", "client_credentials"), ("client_id", id), ("scope", &scope)];
        let assertion;
        match &self.proof {
            Proof::Federated(path) => {
                let read = tokio::fs::read_to_string(path).await;
                assertion = read.map_err(|cause| EntraError::Federated { path: path.clone(), cause })?;
                form.push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
                form.push(("client_assertion", assertion.trim()));
            }
            Proof::Secret(secret) => form.push(("client_secret", secret)),
            Proof::None => {}
        }
        let unreachable = |cause: reqwest::Error| EntraError::Unreachable {
            authority: authority.clone(),
            cause: cause.without_url().into(),
        };
        let answer = http.post(uri.map_err(unparsed)?).form(&form).send().await.map_err(unreachable)?;
        let granted = answer.status().is_success();
        let body = answer.bytes().await.map_err(unreachable)?;
        match serde_json::from_slice::<Granted>(&body) {
            Ok(found) if granted => Ok(found.token()),
            _ => Err(EntraError::Refused { authority: authority.clone(), message: denial(&body) }),
        }
    }

    /// A virtual machine's managed identity, if it has one.
    async fn of_machine(&self, http: &Client, resource: &str) -> Option<Token> {
        let mut query = vec![("api-version", "2018-02-01"), ("resource", resource)];
        query.extend(self.client.as_deref().map(|client| ("client_id", client)));
        let address = format!("{}/metadata/identity/oauth2/token", self.imds.trim_end_matches('/'));
        let request = http.get(address).query(&query).header("metadata", "true").timeout(IMDS_PATIENCE);
        let answer = request.send().await.ok()?.error_for_status().ok()?;
        Some(serde_json::from_slice::<Granted>(&answer.bytes().await.ok()?).ok()?.token())
    }
}

/// The token of whoever has logged in with `az`.
async fn of_login(resource: &str) -> Option<String> {
    let words = ["account", "get-access-token", "--query", "accessToken", "--output", "tsv", "--resource", resource];
    let said = Command::new("az").args(words).kill_on_drop(true).output().await.ok()?;
    let token = String::from_utf8(said.stdout).ok()?.trim().to_owned();
    (said.status.success() && !token.is_empty()).then_some(token)
}

/// The first line of what Entra ID says, which names no secret.
fn denial(body: &[u8]) -> String {
    let denied = serde_json::from_slice::<Denied>(body).ok();
    let text = denied.and_then(|denied| denied.error_description.or(denied.error));
    text.and_then(|text| text.lines().next().map(str::to_owned)).unwrap_or_else(|| "it did not say why".to_owned())
}
