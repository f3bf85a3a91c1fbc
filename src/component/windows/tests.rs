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
