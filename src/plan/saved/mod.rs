//! A plan as a file: made by `plan --out`, carried out by `reconcile --plan`. No secret stands in it.

mod file;
mod hash;
#[cfg(test)]
mod tests;

use std::io;

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::{Counts, Group, GroupKind, Plan, PlannedDevice};
use crate::twin::{DeviceId, IdError};
use file::{Groups, SavedCounts, SavedDevice, SavedGroup, SavedKind, SavedPlan};

pub use hash::{changes, hash};

/// The version of the file. Within a version members are added and never change their meaning.
pub const VERSION: u32 = 1;

const KIND: &str = "saved-plan";

type WholeFile = SavedPlan<'static, Vec<SavedGroup<'static, Vec<SavedDevice<'static>>>>>;

/// A plan that was read from a file.
#[derive(Debug)]
pub struct Saved {
    /// The plan; groups with secrets have a patch without them ([`Group::is_redacted`]).
    pub plan: Plan,
    /// The host name of the hub that it is for.
    pub hub: String,
    /// Whether every device of the hub was looked at.
    pub whole: bool,
}

/// Why a file is no plan that can be carried out.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// It cannot be read, or is no saved plan.
    #[error("this is no saved plan")]
    Format(#[from] serde_json::Error),
    /// Made by another version.
    #[error("this is a {kind} of version {version}; this program reads a {KIND} of version {VERSION}")]
    Version {
        /// What the file says it is.
        kind: String,
        /// Its version.
        version: u32,
    },
    /// It names something that is no device.
    #[error("this is no saved plan")]
    Device(#[from] IdError),
    /// What is in it does not come to its hash.
    #[error("what stands in the plan comes to {found}, and its hash is {said}: it was cut short or changed")]
    Changed {
        /// The hash in the file.
        said: String,
        /// The hash of the file.
        found: String,
    },
}

/// Writes a plan for a hub, device by device. `whole`: every device of the hub was looked at.
///
/// # Errors
/// When `out` does.
pub fn write(plan: &Plan, hub: &str, whole: bool, out: impl io::Write) -> Result<(), serde_json::Error> {
    let Counts { examined, unchanged, managed, unselected } = plan.counts;
    let file = SavedPlan {
        version: VERSION,
        kind: KIND.into(),
        fleet: plan.fleet.as_str().into(),
        hub: hub.into(),
        revision: plan.revision.as_str().into(),
        hash: hash(plan, hub).into(),
        whole,
        counts: SavedCounts { examined, unchanged, managed, unselected },
        idle: plan.idle.clone(),
        groups: Groups(&plan.groups),
    };
    serde_json::to_writer(out, &file)
}

/// Reads a plan.
///
/// # Errors
/// When it is none, is one of another version, or does not come to its hash.
pub fn read(input: impl io::Read) -> Result<Saved, SavedError> {
    let file: WholeFile = serde_json::from_reader(input)?;
    if (file.version, &*file.kind) != (VERSION, KIND) {
        return Err(SavedError::Version { kind: file.kind.into_owned(), version: file.version });
    }
    let SavedCounts { examined, unchanged, managed, unselected } = file.counts;
    let groups = file.groups.into_iter().map(group).collect::<Result<_, _>>()?;
    let plan = Plan {
        fleet: file.fleet.into_owned(),
        revision: file.revision.into_owned(),
        groups,
        counts: Counts { examined, unchanged, managed, unselected },
        idle: file.idle,
        ..Plan::default()
    };
    let found = hash(&plan, &file.hub);
    if found != file.hash {
        return Err(SavedError::Changed { said: file.hash.into_owned(), found });
    }
    Ok(Saved { plan: Plan { hash: Some(found), ..plan }, hub: file.hub.into_owned(), whole: file.whole })
}

fn group(group: SavedGroup<'_, Vec<SavedDevice<'_>>>) -> Result<Group, IdError> {
    let device = |device: SavedDevice<'_>| {
        Ok(PlannedDevice {
            device: DeviceId::new(&device.id)?,
            etag: device.etag.map(|etag| etag.into_owned().into()),
            managed: device.managed,
            register: device.register.map(|register| Box::new(register.into_owned())),
        })
    };
    Ok(Group {
        kind: match group.kind {
            SavedKind::Change => GroupKind::Change,
            SavedKind::Adopt => GroupKind::Adopt,
        },
        deltas: group.changes.into_iter().map(Into::into).collect(),
        redacted: group.redacted.then(|| group.patch.clone()),
        patch: group.patch,
        before: group.before,
        goes_back: group.goes_back,
        devices: group.devices.into_iter().map(device).collect::<Result<_, _>>()?,
    })
}

/// The schema of the file.
pub fn schema() -> Value {
    let mut schema =
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<WholeFile>();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("version".into(), json!({ "const": VERSION }));
        properties.insert("kind".into(), json!({ "const": KIND }));
    }
    schema.to_value()
}
