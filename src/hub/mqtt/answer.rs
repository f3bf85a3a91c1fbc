//! The body of a twin response that tells of a fault.

use super::super::ports::Fault;
use crate::iothub::{Envelope, ErrorAnswer, ErrorCode};

/// The fault as JSON text; some SDKs read nothing but this (protocol reference 11.6).
pub(super) fn fault_body(fault: &Fault) -> String {
    let now = format!("{:.0}", jiff::Timestamp::now());
    let answer = ErrorAnswer {
        code: code(fault),
        message: fault.message.clone(),
        tracking_id: format!("{:032x}-G:0-TimeStamp:{now}", fastrand::u128(..)),
        timestamp_utc: now,
        info: None,
    };
    answer.body(Envelope::Flat)
}

/// A code that the protocol does not know becomes the general one of its status.
fn code(fault: &Fault) -> ErrorCode {
    let general = u64::from(fault.status()) * 1000;
    let known = [fault.code.into(), general].into_iter().find_map(ErrorCode::from_number);
    known.unwrap_or(ErrorCode::ServerError)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(code: u32) -> serde_json::Value {
        serde_json::from_str(&fault_body(&Fault { code, message: "a \"bad\" key".to_owned() })).unwrap()
    }

    #[test]
    fn a_fault_is_told_in_the_second_envelope() {
        let body = body(400_004);
        assert_eq!(body["errorCode"], 400_004);
        assert_eq!(body["message"], "a \"bad\" key");
        assert!(body["trackingId"].as_str().unwrap().contains("-G:0-TimeStamp:"));
        assert!(body["timestampUtc"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn an_unknown_code_keeps_its_status() {
        assert_eq!(body(429_999)["errorCode"], 429_000);
        assert_eq!(body(418_000)["errorCode"], 500_001);
    }
}
