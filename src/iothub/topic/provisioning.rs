//! The topics of a provisioning service (protocol reference 13.1).

use std::{fmt, str::FromStr};

use super::{Parameters, TopicError, status};

const REGISTER: &str = "$dps/registrations/PUT/iotdps-register/";
const POLL: &str = "$dps/registrations/GET/iotdps-get-operationstatus/";
const RESPONSE: &str = "$dps/registrations/res/";

/// The one filter that a device which registers may subscribe to.
pub const REGISTRATION_RESPONSES: &str = "$dps/registrations/res/#";

/// What a device that registers publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationRequest {
    /// It wants to be assigned to a hub.
    Register {
        /// Echoed in the answer.
        rid: String,
    },
    /// It asks how that goes.
    Poll {
        /// Echoed in the answer.
        rid: String,
        /// What the answer to its registration named.
        operation: String,
    },
}

impl FromStr for RegistrationRequest {
    type Err = TopicError;

    fn from_str(topic: &str) -> Result<Self, TopicError> {
        if let Some(rest) = topic.strip_prefix(REGISTER) {
            return Ok(Self::Register { rid: Parameters::new(rest).rid()? });
        }
        let rest = topic.strip_prefix(POLL).ok_or_else(|| TopicError::unknown(topic))?;
        let parameters = Parameters::new(rest);
        let operation = parameters.get("operationId").filter(|id| !id.is_empty());
        let operation = operation.ok_or(TopicError::Missing("operationId"))?.to_owned();
        Ok(Self::Poll { rid: parameters.rid()?, operation })
    }
}

impl fmt::Display for RegistrationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register { rid } => write!(f, "{REGISTER}?$rid={rid}"),
            Self::Poll { rid, operation } => write!(f, "{POLL}?$rid={rid}&operationId={operation}"),
        }
    }
}

/// The topic of an answer to a device that registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationResponse {
    /// As HTTP has them: 200, 202, 401, …
    pub status: u16,
    /// The device's request id, echoed.
    pub rid: String,
    /// When to ask again, in seconds.
    pub retry_after: Option<u32>,
}

impl FromStr for RegistrationResponse {
    type Err = TopicError;

    fn from_str(topic: &str) -> Result<Self, TopicError> {
        let rest = topic.strip_prefix(RESPONSE).ok_or_else(|| TopicError::unknown(topic))?;
        let (status, parameters) = status(rest)?;
        let retry_after = parameters.get("retry-after");
        let retry_after = retry_after.map(|text| text.parse().map_err(|_| TopicError::Unreadable("retry-after")));
        Ok(Self { status, rid: parameters.rid()?, retry_after: retry_after.transpose()? })
    }
}

impl fmt::Display for RegistrationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{RESPONSE}{}/?$rid={}", self.status, self.rid)?;
        self.retry_after.map_or(Ok(()), |seconds| write!(f, "&retry-after={seconds}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_topics_of_the_reference_read_and_print() {
        let register = RegistrationRequest::Register { rid: "7F".to_owned() };
        assert_eq!("$dps/registrations/PUT/iotdps-register/?$rid=7F".parse(), Ok(register));
        let poll = "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1&operationId=4.abc";
        assert_eq!(poll.parse(), Ok(RegistrationRequest::Poll { rid: "1".to_owned(), operation: "4.abc".to_owned() }));
        let answer = RegistrationResponse { status: 202, rid: "1".to_owned(), retry_after: Some(3) };
        assert_eq!(answer.to_string(), "$dps/registrations/res/202/?$rid=1&retry-after=3");
        for topic in [
            "$dps/registrations/PUT/iotdps-register/",
            "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1",
            "$iothub/twin/GET/?$rid=1",
            "",
        ] {
            assert!(topic.parse::<RegistrationRequest>().is_err(), "{topic}");
        }
    }

    proptest! {
        #[test]
        fn topics_round_trip(rid in "[a-zA-Z0-9-]{1,36}", operation in "[a-z0-9.-]{1,40}", status in any::<u16>(), retry_after in any::<Option<u32>>()) {
            for request in [
                RegistrationRequest::Register { rid: rid.clone() },
                RegistrationRequest::Poll { rid: rid.clone(), operation },
            ] {
                prop_assert_eq!(request.to_string().parse::<RegistrationRequest>(), Ok(request));
            }
            let response = RegistrationResponse { status, rid, retry_after };
            prop_assert_eq!(response.to_string().parse::<RegistrationResponse>(), Ok(response));
        }

        #[test]
        fn no_topic_makes_a_parser_panic(text in any::<String>(), rest in "(\\?|\\$rid|operationId|retry-after|=|&|/|%f|1){0,12}") {
            for topic in [text, format!("{REGISTER}{rest}"), format!("{POLL}{rest}"), format!("{RESPONSE}{rest}")] {
                let _ = topic.parse::<RegistrationRequest>();
                let _ = topic.parse::<RegistrationResponse>();
            }
        }
    }
}
