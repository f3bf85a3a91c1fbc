//! `apps` and `certificates`.

use serde_json::Value;

use super::{Section, id, text};
use crate::twin::Map;

/// The key under which the client is asked to report; no app.
const QUESTION: &str = "?";
/// Members that become a part of an app.
const KNOWN: [&str; 3] = ["pkgFamilyName", "version", "startUp"];

pub(super) fn apps(members: &Map, section: &mut Section<'_>) {
    for (key, value) in members {
        let version = value.get("version").and_then(Value::as_str).unwrap_or_default();
        match value {
            Value::Object(app) if key != QUESTION && !matches!(version, "?" | "") => {
                self::app(key, app, version, section);
            }
            _ => section.note(&[key], "it only asks the client to report"),
        }
    }
}

fn app(key: &str, app: &Map, version: &str, section: &mut Section<'_>) {
    let Some(name) = text(app, "pkgFamilyName") else {
        return section.note(&[key], "it lacks `pkgFamilyName`, the name of the package");
    };
    let id = id(key);
    let at = |member: &'static str| ["apps".to_owned(), id.clone(), member.to_owned()];
    let mut put = |member: &'static str, value: &str| {
        let way = at(member);
        section.put(&way.each_ref().map(String::as_str), value);
    };
    put("type", "msix");
    put("name", name);
    let is_wanted = version != "not installed";
    put("state", if is_wanted { "present" } else { "absent" });
    if is_wanted {
        put("version", version);
        // The client takes what it does not know for `none`.
        let startup = text(app, "startUp").unwrap_or("none");
        put("startup", if matches!(startup, "foreground" | "background") { startup } else { "none" });
    }
    let reason =
        "a neutral `source` is an https URL with its SHA-256; write `source`, `dependencies` and `signer` by hand";
    section.rest(&[key], app, &KNOWN, reason);
}

/// The neutral component knows a certificate by the SHA-256 of its bytes, and those are in files that the twin only
/// names.
pub(super) fn certificates(members: &Map, section: &mut Section<'_>) {
    for (store, entries) in members {
        let neutral = match store.as_str() {
            "rootCATrustedCertificates_Root" | "certificateStore_Root_System" => "root",
            "rootCATrustedCertificates_CA" | "certificateStore_CA_System" => "intermediate",
            "rootCATrustedCertificates_TrustedPublisher" => "trustedPublisher",
            "rootCATrustedCertificates_TrustedPeople" => "trustedPeople",
            "certificateStore_My_System" => "personal",
            _ => "",
        };
        for (thumbprint, entry) in entries.as_object().into_iter().flatten() {
            let file = entry.get("fileName").and_then(Value::as_str).unwrap_or_default();
            let reason = match (neutral, entry.get("state").and_then(Value::as_str)) {
                ("", _) => "no neutral component has this store".to_owned(),
                (_, Some("installed")) => format!(
                    "a certificate is known by its SHA-256, which only its file tells: take it of `{file}` and write \
                     `certificates.ID: {{ store: {neutral}, sha256: …, source: … }}`"
                ),
                _ => format!(
                    "a certificate is known by its SHA-256: write `certificates.ID: {{ store: {neutral}, sha256: …, state: \
                     absent }}`"
                ),
            };
            section.note(&[store, thumbprint], &reason);
        }
    }
}
