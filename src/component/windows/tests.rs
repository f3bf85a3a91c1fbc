//! The types against twins as the client has them (Windows reference, appendix A; values are invented).

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::*;

#[track_caller]
fn round_trip<T: DeserializeOwned + Serialize>(value: &Value) {
    let typed: T = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(&serde_json::to_value(typed).unwrap(), value);
}

#[test]
fn what_stands_in_twins_of_the_field_is_read_and_written_back() {
    round_trip::<TimeInfo>(&json!({
        "ntpServer": "ntp.example.org", "timeZoneKeyName": "W. Europe Standard Time",
        "dynamicDaylightTimeDisabled": false, "timeZoneBias": -60,
        "timeZoneStandardBias": 0, "timeZoneStandardDate": "0000-10-05T03:00:00Z",
        "timeZoneStandardName": "W. Europe Standard Time", "timeZoneStandardDayOfWeek": 0,
        "timeZoneDaylightBias": -60, "timeZoneDaylightDate": "0000-03-05T02:00:00Z",
        "timeZoneDaylightName": "W. Europe Daylight Time", "timeZoneDaylightDayOfWeek": 0
    }));
    round_trip::<TimeService>(
        &json!({"enabled": "yes", "startup": "auto", "started": "yes", "sourcePriority": "remote"}),
    );
    round_trip::<WindowsUpdatePolicy>(&json!({"applyProperties": "no", "reportProperties": "yes"}));
    round_trip::<WindowsUpdatePolicy>(&json!({
        "applyProperties": {"activeHoursStart": 7, "allowAutoUpdate": 3, "ring": "EarlyAdopter"},
        "reportProperties": "no"
    }));
    round_trip::<WindowsTelemetry>(&json!({"level": "basic"}));
    round_trip::<RebootInfo>(&json!({"singleRebootTime": "", "dailyRebootTime": "2024-01-01T02:30:00Z"}));
    round_trip::<DeviceInfo>(&json!({}));
}

#[test]
fn the_greater_components_are_read_and_written_back() {
    round_trip::<ExternalStorage>(&json!({"connectionString": "AccountName=demo;AccountKey=REDACTED"}));
    round_trip::<WindowsUpdates>(&json!({"approved": "11111111-2222-3333-4444-555555555555"}));
    round_trip::<DeviceHealthAttestation>(&json!({"Endpoint": "", "ReportIntervalInSeconds": -1}));
    let root = json!({"00112233445566778899aabbccddeeff00112233":
        {"state": "installed", "fileName": "certs\\plant-root.cer"}});
    round_trip::<Certificates>(&stores(root));
    round_trip::<Wifi>(&json!({"applyProperties": {"PlantIoT": {"profile": "wifi\\plant.xml"}, "Guest": "uninstall"},
        "reportProperties": "yes"}));
    round_trip::<Wifi>(&json!({"applyProperties": "no", "reportProperties": "no"}));
    round_trip::<Apps>(&json!({
        "?": {"store": false, "nonStore": true},
        "Contoso_Line": {
            "pkgFamilyName": "Contoso.Line_8wekyb3d8bbwe", "version": "1.4.0.0", "startUp": "foreground",
            "appxSource": "apps\\line.appx", "depsSources": "apps\\vclibs.appx;apps\\netcore.appx",
            "certSource": "apps\\line.cer",
            "certStore": "./Device/Vendor/MSFT/RootCATrustedCertificates/TrustedPeople"
        },
        "Contoso_Old": {"pkgFamilyName": "Contoso.Old_8wekyb3d8bbwe", "version": "not installed"}
    }));
    round_trip::<EventTracingCollectors>(&json!({"?": "minimal", "Line": collector(json!(16))}));
    round_trip::<CommandResult>(&json!({"response": "inActiveHours",
        "lastChange": {"time": "2024-01-05T10:12:00.0000000+01:00", "state": "completed"}}));
}

fn stores(root: Value) -> Value {
    json!({
        "rootCATrustedCertificates_Root": root,
        "rootCATrustedCertificates_CA": {}, "rootCATrustedCertificates_TrustedPublisher": {},
        "rootCATrustedCertificates_TrustedPeople": {}, "certificateStore_CA_System": {},
        "certificateStore_Root_System": {}, "certificateStore_My_User": {}, "certificateStore_My_System": {}
    })
}

fn collector(size: Value) -> Value {
    json!({
        "applyProperties": {
            "traceLogFileMode": "circular", "logFileSizeLimitMB": size, "logFileFolder": "line", "logFileName": "",
            "started": true,
            "d198ee7d-c5f1-4f5f-95be-a2ee6fa45897":
                {"traceLevel": "warning", "keywords": "", "enabled": true, "type": "provider"}
        },
        "reportProperties": "yes"
    })
}

#[test]
fn what_the_client_would_stumble_over_is_refused() {
    assert!(serde_json::from_value::<TimeInfo>(json!({"ntpServer": "a"})).is_err());
    assert!(serde_json::from_value::<TimeService>(json!({"enabled": "yes", "startup": "auto"})).is_err());
    for apply in [json!("yes"), json!({"activeHourStart": 7}), json!(true)] {
        let policy = json!({"applyProperties": apply, "reportProperties": "yes"});
        assert!(serde_json::from_value::<WindowsUpdatePolicy>(policy).is_err());
    }
}

#[test]
fn a_failure_tells_where_it_came_from() {
    let answer: LastChange = serde_json::from_value(json!({
        "time": "2024-01-05T10:11:13.0000000+01:00", "state": "failed", "errSubSystem": "DeviceManagement",
        "errCode": -1_610_612_736, "errContext": "invalid value"
    }))
    .unwrap();
    assert_eq!((answer.state, answer.err_sub_system), (State::Failed, Some(ErrorSource::DeviceManagement)));
}
