//! Where `${secret.NAME}` comes from.

use std::{collections::BTreeMap, fmt, sync::Arc};

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// A way to look secrets up by name. Copies share it; nothing ever prints what it holds.
#[derive(Clone)]
pub struct Secrets(Arc<Lookup>);

impl Secrets {
    /// Secrets that `lookup` knows.
    pub fn new(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(lookup))
    }

    /// No secrets at all: every `${secret.NAME}` is a finding.
    pub fn none() -> Self {
        Self::new(|_| None)
    }

    /// Any text for any name: to check a repository where its secrets are not at hand.
    pub fn placeholders() -> Self {
        Self::new(|name| Some(format!("<secret {name}>")))
    }

    /// The secret of this name.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        (self.0)(name)
    }
}

impl Default for Secrets {
    fn default() -> Self {
        Self::none()
    }
}

impl From<BTreeMap<String, String>> for Secrets {
    fn from(secrets: BTreeMap<String, String>) -> Self {
        Self::new(move |name| secrets.get(name).cloned())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}
