//! Secrets in an Azure Key Vault.

use std::{path::Path, time::Duration};

use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;

use super::{
    entra::{Entra, EntraError},
    http::{ClientError, plain_client},
};

/// The version of the vault's REST API.
const API_VERSION: &str = "7.4";
/// What tokens are for, in Azure's public cloud.
const RESOURCE: &str = "https://vault.azure.net";
/// What the hosts of vaults have behind their name, in every cloud.
const VAULTS: &str = "vault.";
/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why a secret cannot be read. Never says what it is.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The vault's name makes no address.
    #[error("`{0}` is no key vault: write its name, or https:// and its host")]
    Name(String),
    /// HTTP cannot be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// There is no token for it.
    #[error("key vault {vault} asks who we are")]
    Identity {
        /// The vault's host.
        vault: String,
        /// Why there is no token.
        #[source]
        cause: EntraError,
    },
    /// The vault refused, e.g. because the identity may not read secrets.
    #[error("key vault {vault} refused to give `{name}`: HTTP {status}")]
    Refused {
        /// The vault's host.
        vault: String,
        /// Which secret.
        name: String,
        /// The HTTP status.
        status: u16,
    },
    /// The vault did not answer, or not as vaults do.
    #[error("key vault {vault} cannot be reached")]
    Unreachable {
        /// The vault's host.
        vault: String,
        /// What the HTTP library said.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// One vault, and who asks it.
pub struct Vault {
    http: Client,
    base: Url,
    token: String,
}

#[derive(Deserialize)]
struct Kept {
    value: String,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Vault {
    /// Logs in to a vault, named `contoso` or `https://contoso.vault.azure.net`. `ca`: the only authorities to trust.
    ///
    /// # Errors
    /// When the name makes no address, or there is no token for it.
    pub async fn open(name: &str, entra: &Entra, ca: Option<&Path>) -> Result<Self, VaultError> {
        let address = if name.contains("://") { name.to_owned() } else { format!("https://{name}.vault.azure.net") };
        let base = Url::parse(&address).ok().filter(|url| url.scheme() == "https" && url.has_host());
        let base = base.ok_or_else(|| VaultError::Name(name.to_owned()))?;
        let http = plain_client(PATIENCE, ca)?;
        let vault = base.host_str().unwrap_or_default().to_owned();
        let token =
            entra.token(&http, &resource(&vault)).await.map_err(|cause| VaultError::Identity { vault, cause })?;
        Ok(Self { http, base, token: token.text })
    }

    /// The current version of a secret; nothing when the vault has none of this name. Dots and underscores are hyphens
    /// there, because a vault knows neither.
    ///
    /// # Errors
    /// When the vault cannot be reached or refuses.
    pub async fn secret(&self, name: &str) -> Result<Option<String>, VaultError> {
        let vault = || self.base.host_str().unwrap_or_default().to_owned();
        let mut uri = self.base.clone();
        uri.set_path(&format!("/secrets/{}/", name.replace(['.', '_'], "-")));
        uri.set_query(Some(&format!("api-version={API_VERSION}")));
        let unreachable =
            |cause: reqwest::Error| VaultError::Unreachable { vault: vault(), cause: cause.without_url().into() };
        let answer = self.http.get(uri).bearer_auth(&self.token).send().await.map_err(unreachable)?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status => {
                return Err(VaultError::Refused { vault: vault(), name: name.to_owned(), status: status.as_u16() });
            }
        }
        let body = answer.bytes().await.map_err(unreachable)?;
        let kept: Kept = serde_json::from_slice(&body)
            .map_err(|cause| VaultError::Unreachable { vault: vault(), cause: Box::new(cause) })?;
        Ok(Some(kept.value))
    }
}

/// What a token for a vault is for: its cloud's vaults.
fn resource(host: &str) -> String {
    let cloud = host.split_once('.').map(|(_, cloud)| cloud).filter(|cloud| cloud.starts_with(VAULTS));
    cloud.map_or_else(|| RESOURCE.to_owned(), |cloud| format!("https://{cloud}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_the_vaults_of_the_cloud() {
        assert_eq!(resource("contoso.vault.azure.net"), "https://vault.azure.net");
        assert_eq!(resource("contoso.vault.azure.cn"), "https://vault.azure.cn");
        assert_eq!(resource("contoso.vault.usgovcloudapi.net"), "https://vault.usgovcloudapi.net");
        assert_eq!(resource("localhost"), RESOURCE);
    }
}
