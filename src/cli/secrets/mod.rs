//! Secrets from where the fleet says that they are kept, when the environment does not have them.
//!
//! They are asked for when a plan is about to be made, and only those that a document names. Nothing here prints one.

mod sops;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError, RwLock},
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::Failure;
use crate::{
    client::{Entra, Vault, VaultError},
    fleet::{SecretSource, Source, resolve::Secrets},
};

/// Environment variables that hold secrets start like this.
const VARIABLE: &str = "TWINOPS_SECRET_";
/// How a reference to a secret begins.
const REFERENCE: &str = "${secret.";
/// Secrets that a vault is asked for at a time.
const AT_ONCE: usize = 8;

/// What was found by name; shared by whoever looks secrets up.
#[derive(Clone, Default)]
pub(crate) struct Found(Arc<RwLock<BTreeMap<String, String>>>);

impl Found {
    /// Secrets of the environment, and those that were found.
    pub(crate) fn secrets(&self) -> Secrets {
        let found = self.clone();
        Secrets::new(move |name| of_environment(name).or_else(|| found.get(name)))
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Asks those who keep secrets, one after the other, for what the documents name and nobody before them had.
    pub(crate) async fn look(&self, kept: &[SecretSource], source: &Source) -> Result<(), Failure> {
        let mut wanted = named(source);
        wanted.retain(|name| of_environment(name).is_none());
        let mut found = BTreeMap::new();
        for keeper in kept {
            wanted.retain(|name| !found.contains_key(name));
            if wanted.is_empty() {
                break;
            }
            found.extend(ask(keeper, &wanted, source).await?);
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(())
    }
}

fn of_environment(name: &str) -> Option<String> {
    std::env::var(format!("{VARIABLE}{name}")).ok()
}

async fn ask(
    keeper: &SecretSource,
    wanted: &BTreeSet<String>,
    source: &Source,
) -> Result<BTreeMap<String, String>, Failure> {
    match keeper {
        SecretSource::Sops(path) => {
            let mut all = sops::open(path, source).await?;
            all.retain(|name, _| wanted.contains(name));
            Ok(all)
        }
        SecretSource::KeyVault(name) => Ok(of_vault(name, wanted).await.map_err(|error| {
            let advice = advice(&error);
            Failure::from(error).help(advice)
        })?),
    }
}

async fn of_vault(vault: &str, wanted: &BTreeSet<String>) -> Result<BTreeMap<String, String>, VaultError> {
    let vault = &Vault::open(vault, &Entra::from_environment(), None).await?;
    stream::iter(wanted.clone())
        .map(async |name: String| Ok(vault.secret(&name).await?.map(|value| (name, value))))
        .buffer_unordered(AT_ONCE)
        .try_filter_map(async |found| Ok(found))
        .try_collect()
        .await
}

fn advice(error: &VaultError) -> &'static str {
    match error {
        VaultError::Identity { .. } => {
            "log in with `az login`, give the machine a managed identity, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and \
             AZURE_FEDERATED_TOKEN_FILE"
        }
        VaultError::Refused { .. } => "give this identity the role `Key Vault Secrets User` on the vault",
        VaultError::Name(_) | VaultError::Client(_) | VaultError::Unreachable { .. } => {
            "or set TWINOPS_SECRET_NAME in the environment, which goes before"
        }
    }
}

/// The names of all secrets that the documents refer to; also some that a comment has.
fn named(source: &Source) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in &source.files {
        let Ok(text) = std::str::from_utf8(&file.text) else { continue };
        let after = text.split(REFERENCE).skip(1).filter_map(|rest| rest.split_once('}'));
        names.extend(after.map(|(name, _)| name.to_owned()));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::SourceFile;

    #[test]
    fn every_secret_that_a_document_names_is_found() {
        let file = |text: &str| SourceFile { path: "a.yaml".into(), text: text.as_bytes().into() };
        let source = Source::from_files([file("a: \"${secret.one}-${secret.wifi.key}\"\n# ${secret.\nb: ${tags.x}\n")]);
        let names: Vec<String> = named(&source).into_iter().collect();
        assert_eq!(names, ["\nb: ${tags.x", "one", "wifi.key"]);
    }
}
