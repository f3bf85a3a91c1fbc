//! `/devices/{id}`: one device, read from the hub at that moment.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Html,
};
use serde_json::Value;

use super::{
    method::{Attempt, Choice, choices},
    values::{Looked, Values},
};
use crate::{
    portal::{
        Declared, Portal, Role,
        asked::encoded,
        error::PageError,
        gate::Visitor,
        model::word,
        page::{self, Frame, Time},
        refresh::because,
    },
    reconcile::ports::TwinRead as _,
    report::short,
    twin::{DeviceId, Twin},
};

/// The component in which our own agent tells of itself.
const AGENT: &str = "twinops";

#[derive(Template)]
#[template(path = "device.html")]
struct DevicePage {
    frame: Frame,
    id: String,
    word: &'static str,
    connected: bool,
    active: Option<Time>,
    status: String,
    revision: Option<String>,
    wave: Option<String>,
    model_id: Option<String>,
    agent: Option<Agent>,
    values: Values,
    methods: Vec<Choice>,
    may_call: bool,
    attempt: Attempt,
}

/// What our agent says of itself.
struct Agent {
    version: String,
    state: String,
    capabilities: Vec<String>,
}

/// Shows it.
pub(super) async fn show(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Html<String>, PageError> {
    render(&portal, &visitor, &id, Attempt::default()).await
}

/// The page, with what came of a method that was called from it.
pub(super) async fn render(
    portal: &Arc<Portal>,
    visitor: &Visitor,
    id: &str,
    attempt: Attempt,
) -> Result<Html<String>, PageError> {
    let device = DeviceId::new(id).map_err(|_| PageError::NoDevice(id.to_owned()))?;
    let text = portal.hub.twin(&device).await.map_err(|error| PageError::Hub(because(&error)))?;
    let text = text.ok_or_else(|| PageError::NoDevice(id.to_owned()))?;
    let model = portal.model().ok_or_else(|| PageError::Hub("the twins have not been read yet".to_owned()))?;
    let declared: &Declared = &model.declared;
    let looked = Looked::new(declared, &text).map_err(|error| PageError::Hub(because(&error)))?;
    let values = looked.values(portal, declared).await;
    let Looked { twin, device: judged, .. } = looked;
    let revision = judged.as_ref().and_then(|device| device.revision.as_deref()).map(|id| short(id).to_owned());
    let wave = model.row(id).filter(|row| row.wave != crate::portal::model::NONE);
    let mut frame = Frame::new(portal, &visitor.0, "devices", id, format!("/devices/{}", encoded(id)));
    frame.taken = Some(Time::of(jiff::Timestamp::now()));
    page::html(&DevicePage {
        frame,
        word: word(judged.as_ref().map(|device| device.verdict)),
        connected: twin.is_connected(),
        active: twin.last_activity_time.as_deref().and_then(Time::parse),
        status: twin.status.clone().unwrap_or_default(),
        revision,
        wave: wave.map(|row| model.shared.waves.word(row.wave).to_string()),
        model_id: twin.model_id.clone().filter(|model| !model.is_empty()),
        agent: Agent::of(&twin),
        values,
        methods: choices(&twin),
        may_call: visitor.0.role >= Role::Operator,
        attempt,
        id: id.to_owned(),
    })
}

impl Agent {
    fn of(twin: &Twin) -> Option<Self> {
        let own = twin.properties.reported.values.get(AGENT)?;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let summary = own.get("summary").map(|summary| summary.get("value").unwrap_or(summary));
        let capabilities = own.get("capabilities").and_then(Value::as_object);
        Some(Self {
            version: text(own.get("agentVersion")),
            state: text(summary.and_then(|summary| summary.get("state"))),
            capabilities: capabilities.map(|all| all.keys().cloned().collect()).unwrap_or_default(),
        })
    }
}
