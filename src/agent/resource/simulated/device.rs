//! What a simulated device remembers, and how well it works.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tokio::time::sleep;
use tracing::warn;

use super::{Fault, Profile, names};
use crate::twin::{Map, remove_path, set_path};

const NAME: &str = "simulated.json";

pub(super) struct Device {
    id: String,
    path: PathBuf,
    profile: Profile,
    inner: Mutex<Inner>,
}

struct Inner {
    values: Map,
    dice: fastrand::Rng,
}

/// A number that follows from an id alone.
pub(crate) fn seed(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

impl Device {
    /// A device whose memory is missing or broken begins anew: it is only a simulation.
    pub(super) fn open(id: &str, folder: &Path, profile: Profile) -> Self {
        let path = folder.join(NAME);
        let values = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let inner = Mutex::new(Inner { values, dice: fastrand::Rng::with_seed(seed(id)) });
        Self { id: id.to_owned(), path, profile, inner }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn get(&self, component: &str, property: &str) -> Option<Value> {
        self.lock().values.get(component)?.get(property).cloned()
    }

    pub(super) fn set(&self, component: &str, property: &str, value: Option<&Value>) {
        let mut inner = self.lock();
        let keys = [component.into(), property.into()];
        match value {
            Some(value) => set_path(&mut inner.values, &keys, value.clone()),
            None => drop(remove_path(&mut inner.values, &keys)),
        }
        self.keep(&inner);
    }

    /// Forgets everything.
    pub(super) fn forget(&self) {
        let mut inner = self.lock();
        inner.values = Map::new();
        self.keep(&inner);
    }

    fn keep(&self, inner: &Inner) {
        let next = self.path.with_extension("next");
        let written = serde_json::to_vec(&inner.values).map_err(Into::into);
        let kept = written.and_then(|text| fs::write(&next, text)).and_then(|()| fs::rename(&next, &self.path));
        if let Err(fault) = kept {
            warn!(device = self.id, %fault, "a simulated device will not remember this after a restart");
        }
    }

    /// Takes the time that a change takes, and fails as often as the profile says.
    pub(super) async fn work(&self, component: &str, property: &str) -> Result<(), Fault> {
        let (share, fails) = {
            let mut inner = self.lock();
            (0.5 + inner.dice.f64(), inner.dice.f64() < self.profile.failure_rate)
        };
        if !self.profile.latency.is_zero() {
            sleep(self.profile.latency.mul_f64(share)).await;
        }
        if fails || names(&self.profile.fail, component, property) {
            return Err(Fault::new("the simulated device fails here, as its profile says"));
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
