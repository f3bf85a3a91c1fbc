//! `POST /devices/{id}/methods`: calls a direct method of a device.

use std::{sync::Arc, time::Duration};

use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::device;
use crate::{
    component::method::{self, Method},
    fleet,
    portal::{Portal, Role, asked::field, error::PageError, gate::Visitor, refresh::because},
    twin::{DeviceId, Twin},
};

/// How long a device may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest payload and answer that a page shows (protocol reference 7: 128 kB).
const LONGEST: usize = 16 * 1024;
/// What the names of methods hold that no known schema describes, and that cost work or data all the same.
const DESTRUCTIVE: [&str; 5] = ["reboot", "restart", "reset", "wipe", "delete"];

/// A method that is offered.
pub(super) struct Choice {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    /// What has to be confirmed, if anything.
    pub(super) warning: Option<&'static str>,
    /// Names of what it is handed.
    pub(super) payload: String,
}

/// What was asked of a device, and what came of it.
#[derive(Default)]
pub(super) struct Attempt {
    pub(super) method: String,
    pub(super) payload: String,
    /// Why nothing was called.
    pub(super) fault: Option<String>,
    pub(super) answer: Option<Answer>,
}

/// What a device answered.
pub(super) struct Answer {
    pub(super) status: String,
    pub(super) well: bool,
    pub(super) text: String,
}

/// The methods that this device is likely to have: those of its clients.
pub(super) fn choices(twin: &Twin) -> Vec<Choice> {
    let reported = &twin.properties.reported.values;
    let windows = reported.contains_key("windows");
    let is_likely = |method: &Method| {
        if method.name.starts_with("windows.") { windows } else { !windows || !method.name.starts_with("twinops") }
    };
    method::all().filter(is_likely).map(|method| Choice::of(&method)).collect()
}

impl Choice {
    fn of(method: &Method) -> Self {
        let members = method.payload.get("properties").and_then(Value::as_object);
        let names: Vec<&str> = members.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let warning = method.effect.needs_confirmation().then(|| method.effect.words());
        Self { name: method.name, description: method.description, warning, payload: names.join(", ") }
    }
}

/// Calls it, and shows the device with its answer.
pub(super) async fn call(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    visitor.may(Role::Operator, field(&form, "csrf"))?;
    let device = DeviceId::new(&id).map_err(|_| PageError::NoDevice(id.clone()))?;
    let mut attempt = Attempt {
        method: field(&form, "method").trim().to_owned(),
        payload: field(&form, "payload").to_owned(),
        ..Attempt::default()
    };
    let status = match checked(&attempt, field(&form, "confirm")) {
        Ok(payload) => {
            attempt.answer = Some(carry_out(&portal, &visitor, &device, &attempt.method, &payload).await?);
            StatusCode::OK
        }
        Err(PageError::Form(fault)) => {
            attempt.fault = Some(fault);
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Err(other) => return Err(other),
    };
    Ok((status, device::render(&portal, &visitor, &id, attempt).await?).into_response())
}

async fn carry_out(
    portal: &Portal,
    visitor: &Visitor,
    device: &DeviceId,
    method: &str,
    payload: &Value,
) -> Result<Answer, PageError> {
    // What is handed over may hold a secret, and is not written down.
    portal.audit.write(&visitor.0, "invoke", json!({ "device": device, "method": method }))?;
    let answer = portal.hub.invoke_method(device, method, payload, Duration::ZERO, PATIENCE).await;
    let answer = match answer {
        Ok(answer) => {
            let text = serde_json::to_string_pretty(&answer.payload).unwrap_or_default();
            let text = text.chars().take(LONGEST).collect();
            Answer { status: answer.status.to_string(), well: (200..300).contains(&answer.status), text }
        }
        Err(error) => Answer { status: "no answer".to_owned(), well: false, text: because(&error) },
    };
    let about = json!({ "device": device, "method": method, "status": answer.status });
    portal.audit.write(&visitor.0, "invoked", about)?;
    portal.nudge.notify_one();
    Ok(answer)
}

/// The payload, once everything about a call is as it should be.
fn checked(attempt: &Attempt, confirmed: &str) -> Result<Value, PageError> {
    let wrong = |why: String| Err(PageError::Form(why));
    let name = &*attempt.method;
    if name.is_empty() || name.len() > 100 {
        return wrong("name the method".to_owned());
    }
    if attempt.payload.len() > LONGEST {
        return wrong(format!("the payload has more than {LONGEST} bytes"));
    }
    let text = attempt.payload.trim();
    let known = method::find(name);
    let check = |payload: &Value| match &known {
        Some(known) => fleet::check_once(known.schema(), payload).map_err(PageError::Form),
        None => Ok(Vec::new()),
    };
    let payload = if text.is_empty() { Ok(Value::Null) } else { serde_json::from_str(text) };
    let payload = match payload {
        // Whoever leaves it empty means whichever emptiness the method takes.
        Ok(Value::Null) if !check(&Value::Null)?.is_empty() => json!({}),
        Ok(payload) => payload,
        Err(error) => return wrong(format!("the payload is no JSON: {error}")),
    };
    if let Some(fault) = check(&payload)?.into_iter().next() {
        return wrong(format!("the payload is not valid at `{}`: {}", fault.pointer, fault.message));
    }
    if needs_confirmation(name, known.as_ref()) && confirmed.trim() != name {
        let effect = known.map_or("may cost work or data", |known| known.effect.words());
        return wrong(format!("`{name}` {effect}: type its name to confirm"));
    }
    Ok(payload)
}

fn needs_confirmation(name: &str, known: Option<&Method>) -> bool {
    match known {
        Some(known) => known.effect.needs_confirmation(),
        None => DESTRUCTIVE.iter().any(|word| name.to_ascii_lowercase().contains(word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(method: &str, payload: &str, confirmed: &str) -> Option<String> {
        let attempt = Attempt { method: method.to_owned(), payload: payload.to_owned(), ..Attempt::default() };
        checked(&attempt, confirmed).err().map(|error| error.to_string())
    }

    #[test]
    fn what_costs_work_or_data_is_confirmed_by_its_name() {
        let id = r#"{"id": "once"}"#;
        for (name, payload) in [("windows.rebootAsync", ""), ("factoryReset", id), ("MyWipeCommand", "")] {
            assert!(fault(name, payload, "").unwrap().contains("type its name"), "{name}");
            assert!(fault(name, payload, "yes").is_some() && fault(name, payload, name).is_none(), "{name}");
        }
        assert!(fault("factoryReset", "", "factoryReset").unwrap().contains("id"), "every call has a name of its own");
        assert_eq!(fault("getLog", "{}", ""), None);
    }

    #[test]
    fn a_payload_is_json_and_as_its_method_wants_it() {
        assert!(fault("getLog", "{", "").unwrap().contains("no JSON"));
        let wipe = "windows.startRemoteWipeAsync";
        assert!(fault(wipe, r#"{"clearTPM": "yes"}"#, wipe).unwrap().contains("clearTPM"));
        assert_eq!(fault(wipe, r#"{"clearTPM": true}"#, wipe), None);
        assert!(fault("", "", "").is_some());
    }
}
