//! Direct methods (protocol reference 7).

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::{json, value::RawValue};

use super::Core;
use crate::{
    hub::{
        failure::Failure,
        ports::{LinkId, Links, MethodAnswer, MethodFault},
        store::Store,
    },
    iothub::ErrorCode,
};

/// Most bytes of a payload, either way.
const PAYLOAD: usize = 128 * 1024;
/// Longest name, in bytes.
const NAME: usize = 512;
const DEFAULT_RESPONSE: u32 = 30;

/// The body of a call, checked.
#[derive(Debug, Clone)]
pub(crate) struct MethodCall {
    name: String,
    payload: Bytes,
    connect: u32,
    response: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    method_name: Option<String>,
    payload: Option<Box<RawValue>>,
    #[serde(default, alias = "timeoutInSeconds", deserialize_with = "number_or_text")]
    response_timeout_in_seconds: Option<u32>,
    #[serde(default, deserialize_with = "number_or_text")]
    connect_timeout_in_seconds: Option<u32>,
}

/// The CLI sends numbers as text.
fn number_or_text<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u32>, D::Error> {
    let value = serde_json::Value::deserialize(input)?;
    let number = match &value {
        serde_json::Value::Null => return Ok(None),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64().and_then(|number| u32::try_from(number).ok()),
    };
    number.map(Some).ok_or_else(|| serde::de::Error::custom("a timeout is a whole number of seconds"))
}

impl MethodCall {
    /// Reads the body of a request.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Failure> {
        let body: Body = serde_json::from_slice(body)
            .map_err(|error| Failure::invalid(format!("the body is no method call: {error}")))?;
        let name = body.method_name.unwrap_or_default();
        if name.is_empty() || name.len() > NAME || name.contains(['/', '+', '#']) || name.contains(char::is_control) {
            let message = format!("methodName has 1 to {NAME} bytes, without '/', '+', '#' and control characters");
            return Err(Failure::invalid(message));
        }
        let response = body.response_timeout_in_seconds.unwrap_or(DEFAULT_RESPONSE);
        let connect = body.connect_timeout_in_seconds.unwrap_or(0);
        if !(5..=300).contains(&response) || connect > 300 {
            return Err(Failure::invalid(
                "responseTimeoutInSeconds goes from 5 to 300, connectTimeoutInSeconds from 0 to 300",
            ));
        }
        if connect > response {
            return Err(Failure::invalid("connectTimeoutInSeconds cannot be more than responseTimeoutInSeconds"));
        }
        let payload = body
            .payload
            .map_or_else(|| Bytes::from_static(b"null"), |text| Bytes::from(String::from(Box::<str>::from(text))));
        if payload.len() > PAYLOAD {
            return Err(Failure::new(ErrorCode::MessageTooLarge, format!("the payload has more than {PAYLOAD} bytes")));
        }
        Ok(Self { name, payload, connect, response })
    }
}

impl<S: Store, L: Links> Core<S, L> {
    /// Calls a method of a device or module; the answer's body, whatever it said.
    pub(crate) async fn call(&self, link: &LinkId, call: MethodCall) -> Result<String, Failure> {
        self.record(link).await?;
        let MethodCall { name, payload, connect, response } = call;
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let answer = self.links.call(link, &name, payload, seconds(connect), seconds(response)).await;
        self.meter.method(match &answer {
            Ok(_) => "answered",
            Err(MethodFault::NotOnline) => "offline",
            Err(MethodFault::NoAnswer) => "silent",
        });
        match answer {
            Ok(answer) => body(&answer),
            Err(MethodFault::NotOnline) => {
                let message = if connect == 0 {
                    format!("The operation failed because the requested device isn't online: {link}.")
                } else {
                    "Timed out waiting for device to connect.".to_owned()
                };
                Err(late(ErrorCode::DeviceNotOnline, message, connect))
            }
            Err(MethodFault::NoAnswer) => {
                let message = "Timed out waiting for the response from device.".to_owned();
                Err(late(ErrorCode::GatewayTimeout, message, response))
            }
        }
    }
}

fn late(code: ErrorCode, message: String, waited: u32) -> Failure {
    let timeout = format!("{:02}:{:02}:{:02}", waited / 3600, waited / 60 % 60, waited % 60);
    Failure { info: Some(json!({ "timeout": timeout })), ..Failure::new(code, message) }
}

/// `{"status":…,"payload":…}`, the device's payload as it stands.
fn body(answer: &MethodAnswer) -> Result<String, Failure> {
    let payload: &[u8] = if answer.payload.is_empty() { b"null" } else { &answer.payload };
    if payload.len() > PAYLOAD {
        let message = format!("the device answered with more than {PAYLOAD} bytes");
        return Err(Failure::new(ErrorCode::InvalidResponseWhileProxying, message));
    }
    let payload: &RawValue = serde_json::from_slice(payload)
        .map_err(|_| Failure::new(ErrorCode::InvalidResponseWhileProxying, "the device's answer is no JSON"))?;
    Ok(format!("{{\"status\":{},\"payload\":{payload}}}", answer.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<MethodCall, u32> {
        MethodCall::parse(text.as_bytes()).map_err(|failure| failure.code.number())
    }

    #[test]
    fn payloads_keep_their_text_and_nothing_is_null() {
        for (given, sent) in [
            ("", "null"),
            (",\"payload\":null", "null"),
            (",\"payload\":\"\"", "\"\""),
            (",\"payload\":{\"a\": 1.0}", "{\"a\": 1.0}"),
        ] {
            let call = parse(&format!("{{\"methodName\":\"m\"{given}}}")).unwrap();
            assert_eq!(call.payload, sent);
        }
    }

    #[test]
    fn timeouts_have_defaults_ranges_and_may_be_text() {
        let call =
            parse(r#"{"methodName":"m","responseTimeoutInSeconds":"30","connectTimeoutInSeconds":"30"}"#).unwrap();
        assert_eq!((call.connect, call.response), (30, 30));
        let call = parse(r#"{"methodName":"m","connectTimeoutInSeconds":30}"#).unwrap();
        assert_eq!((call.connect, call.response), (30, 30));
        for bad in [
            "{}",
            "",
            r#"{"methodName":"a/b"}"#,
            r#"{"methodName":"m","responseTimeoutInSeconds":4}"#,
            r#"{"methodName":"m","responseTimeoutInSeconds":301}"#,
            r#"{"methodName":"m","responseTimeoutInSeconds":"soon"}"#,
            r#"{"methodName":"m","responseTimeoutInSeconds":5,"connectTimeoutInSeconds":6}"#,
        ] {
            assert_eq!(parse(bad).map(drop), Err(400_004), "{bad}");
        }
    }

    #[test]
    fn an_answer_without_payload_is_null_and_one_that_is_no_json_an_error() {
        let answer = |status, text: &'static [u8]| body(&MethodAnswer { status, payload: Bytes::from_static(text) });
        assert_eq!(answer(299, b"").unwrap(), r#"{"status":299,"payload":null}"#);
        assert_eq!(answer(-1, b"{\"k\": 1}").unwrap(), r#"{"status":-1,"payload":{"k": 1}}"#);
        assert_eq!(answer(200, b"{").unwrap_err().code, ErrorCode::InvalidResponseWhileProxying);
    }
}
