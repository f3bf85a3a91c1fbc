//! The body of a twin response that tells of a fault.

use serde::Serialize;

use super::super::ports::Fault;

/// The second of the hub's error envelopes (protocol reference 2.4); some SDKs read nothing but this.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    error_code: u32,
    tracking_id: String,
    message: &'a str,
    timestamp_utc: String,
}

/// The fault as JSON text.
pub(super) fn fault_body(fault: &Fault) -> Vec<u8> {
    let now = jiff::Timestamp::now();
    let timestamp_utc = format!("{now:.0}");
    let envelope = Envelope {
        error_code: fault.code,
        tracking_id: format!("{:032x}-G:0-TimeStamp:{timestamp_utc}", fastrand::u128(..)),
        message: &fault.message,
        timestamp_utc,
    };
    serde_json::to_vec(&envelope).expect("numbers and strings are always JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_in_the_second_envelope() {
        let body = fault_body(&Fault { code: 400_004, message: "a \"bad\" key".to_owned() });
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["errorCode"], 400_004);
        assert_eq!(body["message"], "a \"bad\" key");
        assert!(body["trackingId"].as_str().unwrap().contains("-G:0-TimeStamp:"));
        assert!(body["timestampUtc"].as_str().unwrap().ends_with('Z'));
    }
}
