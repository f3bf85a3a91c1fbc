//! The hub's shared access policies.

use serde::{Deserialize, Serialize};

use crate::{
    hub::random::{self, NoRandomness},
    iothub::{DEFAULT_POLICIES, Key, KeyError, Permissions, Secret},
};

/// The setting under which they are stored.
pub(crate) const POLICIES: &str = "policies";

/// All policies of a hub.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Policies(Vec<Policy>);

/// Whoever has one of the keys has the permissions.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Policy {
    pub(crate) name: String,
    pub(crate) permissions: Permissions,
    pub(crate) primary: Key,
    pub(crate) secondary: Key,
}

/// The stored policies are none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PoliciesError {
    /// Broken JSON.
    #[error("the stored policies cannot be read")]
    Json(#[from] serde_json::Error),
    /// A key is none.
    #[error("policy `{policy}` has a bad key")]
    Key {
        policy: String,
        #[source]
        cause: KeyError,
    },
    /// A permission is none.
    #[error("policy `{0}` has permissions that this program does not know")]
    Permissions(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    name: String,
    permissions: String,
    primary_key: Secret,
    secondary_key: Secret,
}

impl Policies {
    /// The ones that every hub is born with, with keys of their own.
    pub(crate) fn generate() -> Result<Self, NoRandomness> {
        let make = |(name, permissions): (&str, Permissions)| {
            let (primary, secondary) = (random::key()?, random::key()?);
            Ok(Policy { name: name.to_owned(), permissions, primary, secondary })
        };
        DEFAULT_POLICIES.into_iter().map(make).collect::<Result<_, _>>().map(Self)
    }

    /// With those that every hub is born with and these lack, because an earlier program made them; nothing where none
    /// is missing.
    pub(crate) fn completed(&self) -> Result<Option<Self>, NoRandomness> {
        let mut all = Self::generate()?;
        all.0.retain(|policy| self.get(&policy.name).is_none());
        let missing = !all.0.is_empty();
        Ok(missing.then(|| Self(self.0.iter().cloned().chain(all.0).collect())))
    }

    /// Reads what [`Self::text`] wrote.
    pub(crate) fn parse(text: &str) -> Result<Self, PoliciesError> {
        let stored: Vec<Stored> = serde_json::from_str(text)?;
        stored.into_iter().map(Policy::read).collect::<Result<_, _>>().map(Self)
    }

    /// For the store.
    pub(crate) fn text(&self) -> Result<String, PoliciesError> {
        let stored = self.0.iter().map(|policy| Stored {
            name: policy.name.clone(),
            permissions: policy.permissions.to_string(),
            primary_key: Secret::new(policy.primary.reveal()),
            secondary_key: Secret::new(policy.secondary.reveal()),
        });
        Ok(serde_json::to_string(&stored.collect::<Vec<_>>())?)
    }

    /// One by name.
    pub(crate) fn get(&self, name: &str) -> Option<&Policy> {
        self.0.iter().find(|policy| policy.name == name)
    }
}

impl Policy {
    fn read(stored: Stored) -> Result<Self, PoliciesError> {
        let Stored { name, permissions, primary_key, secondary_key } = stored;
        let key =
            |key: Secret| Key::parse(key.reveal()).map_err(|cause| PoliciesError::Key { policy: name.clone(), cause });
        let (primary, secondary) = (key(primary_key)?, key(secondary_key)?);
        let permissions = Permissions::parse(&permissions).ok_or_else(|| PoliciesError::Permissions(name.clone()))?;
        Ok(Self { name, permissions, primary, secondary })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read_as_they_were_stored_and_show_no_key() {
        let policies = Policies::generate().unwrap();
        let text = policies.text().unwrap();
        assert_eq!(Policies::parse(&text).unwrap(), policies);
        let owner = policies.get("iothubowner").unwrap();
        assert!(text.contains(owner.primary.reveal()));
        assert!(!format!("{policies:?}").contains(owner.primary.reveal()));
    }

    #[test]
    fn policies_of_an_earlier_program_keep_their_keys_and_get_company() {
        let whole = Policies::generate().unwrap();
        assert_eq!(whole.completed().unwrap(), None);
        let old = Policies(whole.0[..3].to_vec());
        let new = old.completed().unwrap().unwrap();
        assert_eq!(new.0[..3], old.0[..]);
        let names = |policies: &Policies| policies.0.iter().map(|policy| policy.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&new), names(&whole));
    }

    #[test]
    fn damaged_policies_are_refused() {
        for text in ["", "{}", r#"[{"name":"a","permissions":"All","primaryKey":"","secondaryKey":""}]"#] {
            assert!(Policies::parse(text).is_err());
        }
    }
}
