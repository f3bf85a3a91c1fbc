//! New keys for identities, without a word from whoever has them (protocol reference 3.8).

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{Core, Decision, bulk, identity_rules::next_etag, unwritable};
use crate::{
    hub::{
        failure::Failure,
        ports::{LinkId, Links},
        random,
        record::Record,
        store::Store,
    },
    iothub::{
        Authentication, AuthenticationType, KeyChoice, KeyOwner, KeyRenewal, KeyRenewalError, KeyRenewalResult,
        RenewedKeys, SymmetricKey,
    },
};

impl<S: Store, L: Links> Core<S, L> {
    /// Makes new keys for many identities at once; each succeeds or fails on its own.
    pub(crate) async fn renew_keys(self: &Arc<Self>, renewal: KeyRenewal) -> Result<KeyRenewalResult, Failure> {
        let KeyRenewal { policy_key, devices } = renewal;
        bulk::check_size(devices.len())?;
        bulk::check_distinct(devices.iter().map(|owner| (owner.id.as_str(), owner.module_id.as_deref())))?;
        let mut tasks = JoinSet::new();
        for (at, owner) in devices.into_iter().enumerate() {
            let core = Arc::clone(self);
            tasks.spawn(async move { (at, core.renew(owner, policy_key).await) });
        }
        let mut results: Vec<_> = tasks.join_all().await;
        results.sort_by_key(|(at, _)| *at);
        let mut answer = KeyRenewalResult { policy_key, rotated_keys: Vec::new(), errors: Vec::new() };
        for (_, result) in results {
            match result {
                Ok(keys) => answer.rotated_keys.push(keys),
                Err(error) => answer.errors.push(error),
            }
        }
        Ok(answer)
    }

    async fn renew(&self, owner: KeyOwner, which: KeyChoice) -> Result<RenewedKeys, KeyRenewalError> {
        let renewed = match bulk::link(&owner.id, owner.module_id.as_deref()) {
            Ok(link) => self.renew_link(&link, which).await,
            Err(failure) => Err(failure),
        };
        let KeyOwner { id, module_id } = owner;
        match renewed {
            Ok(SymmetricKey { primary_key, secondary_key }) => {
                Ok(RenewedKeys { id, module_id, primary_key, secondary_key })
            }
            Err(Failure { code, message, .. }) => {
                Err(KeyRenewalError { id, module_id, error_code: code.name().to_owned(), error_status: message })
            }
        }
    }

    async fn renew_link(&self, link: &LinkId, which: KeyChoice) -> Result<SymmetricKey, Failure> {
        let _turn = self.locks.turn(link).await;
        if link.module.is_some() {
            self.module_record(link).await?;
        }
        let change = |record: &mut Record| renew(record, which).map(Decision::Write);
        let (_, keys) = self.change(link, change).await?;
        self.links.cut(link);
        Ok(keys)
    }
}

/// Puts new keys into a record.
fn renew(record: &mut Record, which: KeyChoice) -> Result<SymmetricKey, Failure> {
    if record.link.module.is_none() {
        let mut identity = record.identity()?;
        let keys = next(identity.authentication.as_ref(), which)?;
        identity.etag = next_etag(Some(&identity.etag))?;
        identity.authentication = Some(with(keys.clone()));
        record.set_identity(&identity).map_err(unwritable)?;
        return Ok(keys);
    }
    let (mut module, standing) = (record.module()?, record.standing()?);
    let keys = next(module.authentication.as_ref(), which)?;
    module.etag = next_etag(Some(&module.etag))?;
    module.authentication = Some(with(keys.clone()));
    record.set_module(&module, &standing).map_err(unwritable)?;
    Ok(keys)
}

fn with(symmetric_key: SymmetricKey) -> Authentication {
    Authentication { symmetric_key, ..Authentication::default() }
}

fn next(old: Option<&Authentication>, which: KeyChoice) -> Result<SymmetricKey, Failure> {
    let Some(old) = old.filter(|old| old.kind == AuthenticationType::Sas) else {
        return Err(Failure::invalid("the identity does not prove itself with keys, so that it has none to renew"));
    };
    let mut keys = old.symmetric_key.clone();
    let fresh = || Ok::<_, Failure>(Some(random::key()?.reveal().to_owned().into()));
    if which != KeyChoice::SecondaryKey {
        keys.primary_key = fresh()?;
    }
    if which != KeyChoice::PrimaryKey {
        keys.secondary_key = fresh()?;
    }
    Ok(keys)
}
