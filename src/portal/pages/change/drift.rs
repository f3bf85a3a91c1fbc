//! `/change/adopt` and `/change/ignore`: what was found in twins, as proposals.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use jiff::ToSpan as _;

use super::preview::{self, Besides};
use crate::{
    portal::{
        Portal, Role,
        asked::{Asked, field},
        change::{self, Entry, Words},
        error::PageError,
        gate::Visitor,
        page::{self, Frame},
    },
    twin::{DeviceId, PropertyPath},
};

/// For how long a path is left alone unless somebody says otherwise, in days.
const DAYS: i64 = 30;

#[derive(Template)]
#[template(path = "change_ignore.html")]
struct IgnorePage {
    frame: Frame,
    entry: Entry,
    fault: Option<String>,
}

/// `GET /change/adopt`: what a device holds becomes what git says.
pub(super) async fn adopt(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    super::operator(&visitor)?;
    let asked = Asked::new(pairs);
    let (device, path) = (asked.get("device").unwrap_or_default(), asked.get("path").unwrap_or_default());
    let device = DeviceId::new(device).map_err(|_| PageError::NoDevice(device.to_owned()))?;
    let path: PropertyPath =
        path.parse().map_err(|error: crate::twin::PathError| PageError::Form(error.to_string()))?;
    let declared = super::current(&portal)?;
    let (draft, adoption) = change::adopted(&portal, &declared, &device, &path).await?;
    let places = adoption.adopted.iter().map(|adopted| adopted.place.file.to_string());
    let shared = adoption.adopted.iter().filter_map(|adopted| adopted.shared_by).max();
    let mut remarks: Vec<String> =
        places.take(1).map(|file| format!("{device} holds this; {file} takes it over.")).collect();
    if let Some(devices) = shared {
        remarks.push(format!("{devices} devices take this value from a profile: this one gets a line of its own."));
    }
    let words = Words { subject: format!("Adopt {path} of {device} from the hub"), body: String::new() };
    let besides = Besides { words, remarks, ..Besides::default() };
    preview::show(&portal, &visitor, &declared, draft, besides).await
}

/// `GET /change/ignore`: asks who answers for it, why, and how long.
pub(super) async fn ask(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Html<String>, PageError> {
    super::operator(&visitor)?;
    let path = Asked::new(pairs).get("path").unwrap_or_default().to_owned();
    let until = jiff::Zoned::now().date().saturating_add(DAYS.days()).to_string();
    let frame = super::frame(&portal, &visitor, "Leave a path alone");
    page::html(&IgnorePage { frame, entry: Entry { path, until, ..Entry::default() }, fault: None })
}

/// `POST /change/ignore`: shows what that changes.
pub(super) async fn ignore(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    visitor.may(Role::Operator, field(&sent, "csrf"))?;
    let text = |name: &str| field(&sent, name).trim().to_owned();
    let entry = Entry { path: text("path"), owner: text("owner"), reason: text("reason"), until: text("until") };
    let declared = super::current(&portal)?;
    let draft = match change::ignored(&declared, &entry) {
        Ok(draft) => draft,
        Err(fault) => {
            let frame = super::frame(&portal, &visitor, "Leave a path alone");
            let page = IgnorePage { frame, entry, fault: Some(fault) };
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page::html(&page)?).into_response());
        }
    };
    let subject = format!("Leave {} alone until {}", entry.path, entry.until);
    let words = Words { subject, body: entry.reason };
    preview::show(&portal, &visitor, &declared, draft, Besides { words, ..Besides::default() }).await
}
