//! `wifi`.

use serde_json::Value;

use super::{Section, applied, id};
use crate::twin::Map;

pub(super) fn wifi(members: &Map, section: &mut Section<'_>) {
    let Some(apply) = applied(&[], members, section) else { return };
    for (name, profile) in apply {
        let id = id(name);
        let way = ["applyProperties", name];
        if profile.as_str() == Some("uninstall") || profile.get("uninstall") == Some(&Value::Bool(true)) {
            section.put(&["wifi", &id, "ssid"], name.as_str());
            section.put(&["wifi", &id, "state"], "absent");
        } else if let Some(xml) = profile.get("xml").and_then(Value::as_str) {
            network(name, &id, xml, section);
        } else if let Some(file) = profile.get("profile").and_then(Value::as_str) {
            let reason = format!("how the network is protected stands in `{file}`: write `wifi.{id}` by hand");
            section.note(&way, &reason);
        } else {
            section.note(&way, "the client knows no such profile");
        }
    }
}

/// From the XML of a WLAN profile. Its key stays out: devices get it as a secret of their own.
fn network(name: &str, id: &str, xml: &str, section: &mut Section<'_>) {
    let security = match element(xml, "authentication") {
        Some("open") => "open",
        Some("WPA2PSK") => "wpa2-psk",
        Some("WPA3SAE") => "wpa3-sae",
        _ => return section.note(&["applyProperties", name], "no neutral component has its authentication"),
    };
    let ssid = element(xml, "SSID").and_then(|ssid| element(ssid, "name")).unwrap_or(name);
    section.put(&["wifi", id, "state"], "present");
    section.put(&["wifi", id, "ssid"], ssid);
    section.put(&["wifi", id, "security"], security);
    if element(xml, "nonBroadcast") == Some("true") {
        section.put(&["wifi", id, "hidden"], true);
    }
    if security != "open" {
        let secret = format!("wifi-{id}");
        let reason = format!("its key is no part of a twin: put it on the devices as the secret `{secret}`");
        section.put(&["wifi", id, "secretRef", "name"], secret);
        section.note(&["applyProperties", name], &reason);
    }
}

/// What stands between the first tags of this name.
fn element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0.trim())
}
