//! What the schemas of the components refuse, and the reason that people read.

use serde_json::{Value, json};

use super::Components;
use crate::component::Registry;

/// What is told of a whole component: the message and the help of each fault.
fn told(name: &str, value: &Value) -> Vec<String> {
    let faults = Components::new(&Registry::builtin()).check_resolved(name, value);
    faults.into_iter().map(|f| format!("{}: {} ({})", f.pointer, f.message, f.help.unwrap_or_default())).collect()
}

#[track_caller]
fn tells(name: &str, value: Value, words: &[&str]) {
    let all = told(name, &value);
    assert!(all.iter().any(|line| words.iter().all(|word| line.contains(word))), "{words:?} in {all:#?}");
}

#[track_caller]
fn fine(name: &str, value: Value) {
    assert_eq!(told(name, &value), [""; 0], "{value:#}");
}

fn collector(change: impl FnOnce(&mut Value)) -> Value {
    let mut all = json!({"?": "minimal", "Line": {"reportProperties": "yes", "applyProperties": {
        "logFileSizeLimitMB": 16, "logFileFolder": "line", "logFileName": "", "started": true,
        "d198ee7d-c5f1-4f5f-95be-a2ee6fa45897": {"traceLevel": "warning", "enabled": true, "type": "provider"}}}});
    change(&mut all["Line"]["applyProperties"]);
    all
}

#[test]
fn a_collector_that_the_client_would_fail_on_is_refused() {
    let name = "windows.eventTracingCollectors";
    fine(name, collector(|_| {}));
    tells(name, collector(|c| c["logFileSizeLimitMB"] = 0.into()), &["logFileSizeLimitMB", "sends 0 on and fails"]);
    tells(name, collector(|c| _ = c.as_object_mut().unwrap().remove("logFileFolder")), &["`logFileFolder` is missing"]);
    for folder in ["a/b", "a\\b", "..", "a..b"] {
        tells(name, collector(|c| c["logFileFolder"] = folder.into()), &["logFileFolder"]);
    }
    tells(
        name,
        collector(|c| c["traceLogFilMode"] = "circular".into()),
        &["`traceLogFilMode` is not known", "did you mean"],
    );
    let untyped = collector(|c| c["d198ee7d-c5f1-4f5f-95be-a2ee6fa45897"] = json!({"enabled": true}));
    tells(name, untyped, &["`type` is missing", "passes over"]);
    tells(name, json!({"Line": {"applyProperties": "no"}}), &["/Line/applyProperties"]);
    tells(
        name,
        json!({"Line": {"reportProperties": "yes"}}),
        &["`applyProperties` is missing", "fails the whole component"],
    );
}

#[test]
fn an_incomplete_list_of_stores_is_refused() {
    let name = "windows.certificates";
    tells(
        name,
        json!({"rootCATrustedCertificates_Root": {}}),
        &["certificateStore_My_User` is missing", "eight stores"],
    );
    let stores = [
        "rootCATrustedCertificates_Root",
        "rootCATrustedCertificates_CA",
        "rootCATrustedCertificates_TrustedPublisher",
        "rootCATrustedCertificates_TrustedPeople",
        "certificateStore_CA_System",
        "certificateStore_Root_System",
        "certificateStore_My_User",
        "certificateStore_My_System",
    ];
    let mut all: Value = stores.into_iter().map(|store| (store.to_owned(), json!({}))).collect();
    fine(name, all.clone());
    let thumbprint = "00112233445566778899aabbccddeeff00112233";
    all["certificateStore_My_User"] = json!({thumbprint: {"state": "installed"}});
    tells(name, all.clone(), &["`fileName` is missing", "installed from a file"]);
    all["certificateStore_My_User"] = json!({thumbprint: {"state": "uninstalled"}});
    fine(name, all.clone());
    all["certificateStore_My_User"] = json!({thumbprint: {"state": "instaled"}});
    tells(name, all.clone(), &["did you mean `installed`"]);
    all["certificateStore_My_User"] = json!({"0011": {"state": "uninstalled"}});
    tells(name, all, &["`0011` cannot be a key"]);
}

#[test]
fn an_app_that_cannot_be_installed_is_refused() {
    let app = |more: Value| {
        let mut app = json!({"pkgFamilyName": "Contoso.Line_8wekyb3d8bbwe", "version": "1.4.0.0"});
        app.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"line": app})
    };
    let signed = json!({"appxSource": "apps\\line.appx", "certSource": "apps\\line.cer", "certStore": "./Device/x"});
    fine("windows.apps", app(signed));
    fine("windows.apps", app(json!({"version": "?"})));
    tells("windows.apps", app(json!({"appxSource": "apps\\line.appx"})), &["certSource", "fails without one"]);
    tells("windows.apps", app(json!({"appxSource": "apps\\line.appxbundle"})), &["appxSource", "fails on bundles"]);
    for version in ["1.4", "latest", ""] {
        tells("windows.apps", app(json!({"version": version})), &["version"]);
    }
    tells("windows.apps", json!({"Contoso.Line": {"pkgFamilyName": "a", "version": "?"}}), &["cannot be a key"]);
}

#[test]
fn what_a_device_only_reports_cannot_be_declared() {
    for (name, method) in crate::component::windows::RESULTS {
        tells(name, json!({}), &["must not stand here", method]);
        assert_eq!(
            Components::new(&Registry::builtin()).check_part(name, &json!({"response": "x"})).len(),
            1,
            "{name}"
        );
    }
}

#[test]
fn the_neutral_components_ask_for_what_a_device_needs() {
    let digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let source = json!({"url": "https://artifacts.example.org/a.cer", "sha256": digest});
    fine("certificates", json!({"plant-root": {"store": "root", "sha256": digest, "source": source}}));
    fine("certificates", json!({"old": {"store": "root", "sha256": digest, "state": "absent"}}));
    tells("certificates", json!({"a": {"store": "root", "sha256": digest}}), &["`pem` or `source`"]);
    tells("certificates", json!({"a.b": {"store": "root", "sha256": digest, "source": source}}), &["cannot be a key"]);
    let plain = json!({"url": "http://artifacts.example.org/a.cer", "sha256": digest});
    tells("certificates", json!({"a": {"store": "root", "sha256": digest, "source": plain}}), &["url"]);
    fine(
        "wifi",
        json!({"plant": {"ssid": "PlantIoT", "security": "wpa2-psk", "secretRef": {"name": "wifi-plant"}},
        "guest": {"state": "absent", "ssid": "Guest"}}),
    );
    tells("wifi", json!({"plant": {"ssid": "PlantIoT", "security": "wpa2-psk"}}), &["secretRef", "cannot be joined"]);
    tells("wifi", json!({"plant": {"ssid": "PlantIoT"}}), &["`security` is missing"]);
    fine("apps", json!({"line": {"type": "deb", "name": "line", "version": "1.4.0", "startup": "foreground"}}));
    tells("apps", json!({"line": {"type": "deb", "name": "line"}}), &["exact version"]);
    fine("services", json!({"time": {"name": "w32time", "startup": "auto", "state": "running"}}));
    fine(
        "diagnostics",
        json!({"line": {"state": "running", "mode": "circular", "maxSizeMiB": 16,
        "windows": {"providers": {"d198ee7d-c5f1-4f5f-95be-a2ee6fa45897": {"level": "warning", "enabled": true}}},
        "linux": {"units": ["line.service"], "priority": "warning"}}}),
    );
}

#[test]
fn the_groups_of_the_device_agent_take_what_that_agent_reads() {
    fine("timeInfo", json!({"ntpServer": "time.example.org"}));
    tells("timeInfo", json!({"timeZoneKeyName": "W. Europe Standard Time"}), &["timeZoneBias", "all of its members"]);
    fine("windowsUpdate", json!({"deferFeatureUpdatesPeriodInDays": 30}));
    let manual = json!({"deferFeatureUpdatesPeriod": 30});
    tells("windowsUpdate", manual, &["did you mean `deferFeatureUpdatesPeriodInDays`"]);
    let provider = json!({"traceLevel": "warning", "enabled": true});
    let line = json!({"logFileSizeLimitMB": 16, "logFileFolder": "line", "logFileName": "", "started": true,
        "providers": {"d198ee7d-c5f1-4f5f-95be-a2ee6fa45897": provider}});
    fine("eventTracingCollectors", json!({ "line": line }));
    let app = json!({"pkgFamilyName": "Contoso.Line_8wekyb3d8bbwe", "version": "?"});
    tells("uwpApps", json!({"apps": {"line": app}}), &["version"]);
    tells("deviceAgent.deviceInfo", json!({"model": "x"}), &["`model` is not known"]);
}

#[test]
fn nobody_declares_what_twinops_says_of_a_group() {
    let meta = json!({"serviceInterfaceVersion": "1.0.0"});
    for (path, group) in [
        ("timeInfo", json!({"__meta": meta})),
        ("certificates", json!({"certificateStore_CA_System": {}, "__meta": meta})),
        ("eventTracingCollectors", json!({"line": {"__meta": meta}})),
    ] {
        let faults = Components::new(&Registry::builtin()).check_part(path, &group);
        let told: Vec<_> = faults.iter().map(|f| (f.message.as_str(), f.help.as_deref().unwrap_or_default())).collect();
        assert_eq!(told.len(), 1, "{path}: {told:?}");
        assert!(told[0].0.contains("`__meta` must not stand here") && told[0].1.contains("twinops writes"), "{told:?}");
    }
}
