//! Twins of the Windows IoT Azure DM client (Windows reference 7.4, its appendix A).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{errors, import, options, profiles, resolver, twin};
use crate::{
    fleet::resolve::{self, Secrets},
    import::{Imported, Options},
};

fn desired() -> Value {
    serde_json::from_str(include_str!("v1.json")).unwrap()
}

fn converted(desired: Value) -> Imported {
    let twins: Vec<String> = (0..3).map(|n| twin(&format!("d{n}"), json!({}), desired.clone())).collect();
    let options = Options { convert: true, today: jiff::civil::date(2026, 11, 23), ..options() };
    let imported = import(&twins, options).unwrap();
    let (resolver, mut findings) = resolver(&imported, Secrets::none());
    findings.extend(resolve::check(&resolver));
    assert_eq!(errors(findings), []);
    imported
}

#[test]
fn a_twin_of_the_client_becomes_neutral_components() {
    let imported = converted(desired());
    let base: Value = serde_yaml::from_str(profiles(&imported)["base"]).unwrap();
    let expected = json!({
        "time": { "timeZone": "Europe/Berlin", "ntp": { "enabled": true, "servers": ["ntp.example.org"] },
            "windows": { "timeZoneKeyName": "W. Europe Standard Time" } },
        "services": { "time": { "name": "w32time", "startup": "auto", "state": "running" } },
        "updates": { "mode": "scheduled", "schedule": { "day": "sun", "time": "03:00" }, "activeHours": { "start": 7, "end": 20 },
            "defer": { "qualityDays": 7 }, "approvals": { "11111111-2222-3333-4444-555555555555": "approve" } },
        "telemetry": { "level": "required" },
        "reboot": { "daily": { "time": "02:30", "zone": "utc" } },
        "wifi": { "Guest": { "ssid": "Guest", "state": "absent" } },
        "apps": {
            "Contoso_Line_8wekyb3d8bbwe": { "type": "msix", "name": "Contoso.Line_8wekyb3d8bbwe", "version": "1.4.0.0",
                "state": "present", "startup": "foreground" },
            "Contoso_Old_8wekyb3d8bbwe": { "type": "msix", "name": "Contoso.Old_8wekyb3d8bbwe", "state": "absent" } },
        "diagnostics": { "Line": { "state": "running", "mode": "circular", "maxSizeMiB": 16, "windows": { "providers": {
            "d198ee7d-c5f1-4f5f-95be-a2ee6fa45897": { "level": "warning", "enabled": true } } } } }
    });
    assert_eq!(base["spec"]["desired"], expected);
}

#[test]
fn nothing_is_dropped_in_silence() {
    let imported = converted(desired());
    let told: BTreeSet<&str> =
        imported.left_out.iter().filter_map(|left| left.path.strip_prefix("properties.desired.windows.")).collect();
    for path in [
        "externalStorage",
        "timeInfo.timeZoneBias",
        "timeService.sourcePriority",
        "windowsUpdatePolicy.reportProperties",
        "windowsUpdatePolicy.applyProperties.sourcePriority",
        "deviceInfo",
        "certificates.rootCATrustedCertificates_Root.00112233445566778899aabbccddeeff00112233",
        "wifi.applyProperties.PlantIoT",
        "apps.?",
        "apps.Contoso_Line_8wekyb3d8bbwe.appxSource",
        "apps.Contoso_Line_8wekyb3d8bbwe.depsSources",
        "eventTracingCollectors.?",
        "eventTracingCollectors.Line.applyProperties.logFileFolder",
        "deviceHealthAttestation",
    ] {
        assert!(told.contains(path), "{path} is not among {told:?}");
    }
    assert!(imported.left_out.iter().all(|left| left.devices == 3));
    let documents = imported.files.iter().filter(|(path, _)| !path.starts_with("schemas/"));
    let all: String = documents.map(|(_, text)| text.as_str()).collect();
    assert!(!all.contains("AccountKey"), "the key of the storage account is nowhere");
}

#[test]
fn every_way_of_updating_has_its_neutral_word() {
    for (given, mode) in [(0, "notify"), (1, "auto"), (2, "auto"), (4, "auto"), (5, "disabled")] {
        let apply =
            json!({ "allowAutoUpdate": given, "scheduledInstallDay": 2, "pauseFeatureUpdates": 1, "ring": "Preview" });
        let imported = converted(json!({ "windows": { "windowsUpdatePolicy": { "applyProperties": apply } } }));
        let base: Value = serde_yaml::from_str(profiles(&imported)["base"]).unwrap();
        assert_eq!(base["spec"]["desired"]["updates"], json!({ "mode": mode, "pause": { "feature": "2026-11-23" } }));
        assert_eq!(imported.left_out.len(), 2, "{:?}", imported.left_out);
    }
}

#[test]
fn the_key_of_a_network_stays_out() {
    let xml = "<WLANProfile><name>p</name><SSIDConfig><SSID><name>Plant</name></SSID><nonBroadcast>true</nonBroadcast></SSIDConfig>\
               <authentication>WPA2PSK</authentication><keyMaterial>hunter2</keyMaterial></WLANProfile>";
    let imported = converted(
        json!({ "windows": { "wifi": { "applyProperties": { "p": { "profile": "w\\p.xml", "xml": xml } } } } }),
    );
    let base: Value = serde_yaml::from_str(profiles(&imported)["base"]).unwrap();
    let network = json!({ "state": "present", "ssid": "Plant", "security": "wpa2-psk", "hidden": true, "secretRef": { "name": "wifi-p" } });
    assert_eq!(base["spec"]["desired"]["wifi"]["p"], network);
    assert!(!format!("{imported:?}").contains("hunter2"));
}

#[test]
fn what_is_neutral_already_stays_as_it_is() {
    let time = json!({ "__t": "c", "timeZone": "Europe/Oslo" });
    let imported = converted(json!({ "time": time, "windows": { "timeInfo": { "timeZoneKeyName": "UTC" } } }));
    let base: Value = serde_yaml::from_str(profiles(&imported)["base"]).unwrap();
    assert_eq!(base["spec"]["desired"], json!({ "time": { "timeZone": "Europe/Oslo" } }));
}
