//! Drafts that come from what was found in twins: to take a value over, or to leave a path alone for a while.

use std::{collections::BTreeMap, sync::Arc};

use jiff::civil::Date;
use serde_json::{Value, json};

use super::draft::Draft;
use crate::{
    fleet::edit::{Changes, Editor},
    plan::adopt::{self, Adoption, EditedTwin, Sharing},
    portal::{Declared, Portal, error::PageError, refresh::because},
    reconcile::{
        ports::{TwinRead as _, TwinText},
        survey,
    },
    twin::{DeviceId, PropertyPath},
};

/// A path that is to be left alone.
#[derive(Debug, Clone, Default)]
pub(in crate::portal) struct Entry {
    pub(in crate::portal) path: String,
    pub(in crate::portal) owner: String,
    pub(in crate::portal) reason: String,
    pub(in crate::portal) until: String,
}

/// What a twin holds at a path, written where `drift --adopt` would write it.
pub(in crate::portal) async fn adopted(
    portal: &Portal,
    declared: &Declared,
    device: &DeviceId,
    path: &PropertyPath,
) -> Result<(Draft, Adoption), PageError> {
    let twin = edited(portal, declared, device, path).await?;
    let found = [twin];
    let mut sharing = Sharing::new(Arc::clone(&declared.planner), &found);
    if !sharing.is_empty() {
        let all = portal.hub.twins("SELECT * FROM devices");
        sharing = survey::sharing(all, sharing).await.map_err(|error| PageError::Hub(because(&error)))?;
    }
    let adoption = adopt::propose(&declared.planner, &found, &sharing, &declared.source);
    if let Some(left) = adoption.left.first() {
        return Err(PageError::Form(format!("`{}` of {} cannot be adopted: {}", left.path, left.device, left.why)));
    }
    let files = adoption.files.iter().map(|(path, text)| (Arc::clone(path), text.clone()));
    let draft = Draft::new(declared.planner.revision(), &declared.source, files).map_err(PageError::Form)?;
    Ok((draft, adoption))
}

/// What was changed in the hub on one device, at a path.
async fn edited(
    portal: &Portal,
    declared: &Declared,
    device: &DeviceId,
    path: &PropertyPath,
) -> Result<EditedTwin, PageError> {
    let text: Option<TwinText> = portal.hub.twin(device).await.map_err(|error| PageError::Hub(because(&error)))?;
    let text = text.ok_or_else(|| PageError::NoDevice(device.to_string()))?;
    let row = text.row().map_err(|error| PageError::Hub(because(&error)))?;
    let edits = declared.planner.edits(&row).map_err(|error| PageError::Form(because(&error)))?;
    let edits = edits.map(|mut twin| {
        twin.edits.retain(|edit| edit.path.is_within(path));
        twin
    });
    edits.filter(|twin| !twin.edits.is_empty()).ok_or_else(|| {
        PageError::Form(format!(
            "nobody changed `{path}` of {device} in the hub: there is nothing that git could take over; a device that \
             reports something else has not done what it was asked for"
        ))
    })
}

/// An entry more in the list of paths that the fleet leaves alone.
pub(in crate::portal) fn ignored(declared: &Declared, entry: &Entry) -> Result<Draft, String> {
    let said = |name: &str, text: &str| if text.is_empty() { Err(format!("{name} is missing")) } else { Ok(()) };
    entry.path.parse::<PropertyPath>().map_err(|error| format!("the path is none: {error}"))?;
    said("who answers for it", &entry.owner)?;
    said("why it is left alone", &entry.reason)?;
    entry.until.parse::<Date>().map_err(|error| format!("the last day is none: {error}"))?;
    let here = declared.planner.fleet().document.clone().ok_or("the fleet has no document of its own")?;
    let file = declared.source.file(&here.file).ok_or("the fleet's document is gone")?;
    let editor = Editor::new(file);
    let document = editor.value(here.document).ok_or("the fleet's document cannot be read")?;
    let mut entries = document.pointer("/spec/ignore").and_then(Value::as_array).cloned().unwrap_or_default();
    let Entry { path, owner, reason, until } = entry;
    entries.push(json!({ "path": path, "owner": owner, "reason": reason, "until": until }));
    let mut changes = Changes::default();
    changes.write(&["spec", "ignore"], &Value::Array(entries));
    let text = editor.changed(&BTreeMap::from([(here.document, changes)])).map_err(|why| why.to_string())?;
    Draft::new(declared.planner.revision(), &declared.source, [(here.file, text)])
}
