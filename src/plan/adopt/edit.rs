//! What of one twin somebody changed outside git.

use serde_json::Value;

use super::{Left, Seen};
use crate::{
    component::{device_agent, pnp},
    fleet::Place,
    plan::{
        PlanError, Planner, Why,
        diff::Change,
        planner::Subject,
        rival::{self, Rival},
        standing::stamp,
    },
    twin::{DeviceId, Map, PropertyPath, RowError, Section, TwinRow},
};

/// A twin with values that somebody changed.
#[derive(Debug, Clone, PartialEq)]
pub struct EditedTwin {
    /// The device.
    pub device: DeviceId,
    /// `$version` of its desired properties.
    pub version: u64,
    /// What was changed, in order of path.
    pub edits: Vec<Edit>,
}

/// One value that is not what git declares, and never was.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// Where in the twin.
    pub path: PropertyPath,
    /// What git declares; `None`: that it be absent. Of a secret, nothing is kept.
    pub wanted: Option<Value>,
    /// What the twin holds; `None`: nothing.
    pub live: Option<Value>,
    /// The line that wants it.
    pub origin: Option<Place>,
    /// When it was changed, as far as it is known.
    pub since: Option<String>,
    /// Why it cannot be adopted, if so.
    pub left: Option<Left>,
}

impl EditedTwin {
    /// The twin as one value's source.
    pub(super) fn seen(&self, edit: &Edit) -> Seen {
        Seen { device: self.device.clone(), version: self.version, since: edit.since.clone() }
    }
}

impl Planner {
    /// What somebody changed in this twin; `None` when nobody did. Values that git wants for the first time, and those that
    /// an `ignore` entry names, are no edits.
    ///
    /// # Errors
    /// When the twin cannot be read, or the fleet does not say what this device should be.
    pub fn edits(&self, row: &TwinRow<'_>) -> Result<Option<EditedTwin>, PlanError> {
        let subject = self.subject(row)?;
        if !subject.selected {
            return Ok(None);
        }
        let mut changes = self.changes(&subject, row)?;
        changes.retain(|(section, change)| {
            matches!(change.why, Why::Edited { .. }) && !self.is_ignored(&section.path(change.keys.iter().cloned()))
        });
        if changes.is_empty() {
            return Ok(None);
        }
        let metadata: Value = match row.properties.desired.metadata {
            Some(text) => serde_json::from_str(text.get()).map_err(RowError::from)?,
            None => Value::Null,
        };
        let applied = rival::applied(row)?;
        let edit = |(section, change)| self.edit(&subject, section, change, &metadata, &applied);
        let mut edits: Vec<Edit> = changes.into_iter().map(edit).collect();
        edits.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Some(EditedTwin { device: row.id()?, version: row.properties.desired.version, edits }))
    }

    fn edit(&self, subject: &Subject, section: Section, change: Change, metadata: &Value, applied: &Map) -> Edit {
        let path = section.path(change.keys.iter().cloned());
        let origin = self.resolver().origin(&subject.class.wanted, &path);
        let is_secret = subject.class.is_secret(&path) || self.marks(&path, [&change.from, &change.to]);
        let left = if is_secret {
            Some(Left::Secret)
        } else if let Some(Rival::Configuration(id)) = rival::of(section, &change, metadata, applied, &subject.returned)
        {
            Some(Left::Configuration(id))
        } else {
            unfit(&change).or_else(|| origin.is_none().then_some(Left::NoLine))
        };
        let since = (section == Section::Desired).then(|| stamp(metadata, &change.keys)).flatten();
        let (wanted, live) = if is_secret { (None, None) } else { (change.to, change.from) };
        Edit { path, wanted, live, origin, since, left }
    }
}

/// Why a change is no value that a document could say.
fn unfit(change: &Change) -> Option<Left> {
    let is_ours = change.keys.iter().any(|key| matches!(&**key, pnp::MARKER | device_agent::META));
    match &change.why {
        _ if is_ours => Some(Left::Ours),
        Why::Edited { base } if !is_as_applied(base.as_ref(), change.to.as_ref()) => Some(Left::Changed),
        _ if matches!(&change.to, Some(Value::Object(members)) if !members.is_empty()) => Some(Left::Mapping),
        _ => None,
    }
}

/// Whether git still wants what it last applied.
fn is_as_applied(base: Option<&Value>, wanted: Option<&Value>) -> bool {
    match (base, wanted) {
        (Some(base), Some(wanted)) => crate::twin::same(base, wanted),
        (base, None) => base.is_none_or(Value::is_null),
        (None, Some(_)) => false,
    }
}
