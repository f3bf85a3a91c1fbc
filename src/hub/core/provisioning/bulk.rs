//! Many individual enrolments in one request (protocol reference 13.3).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::Core;
use crate::{
    hub::{
        dps::{Breed, Enrollment},
        failure::Failure,
        ports::Links,
        store::Store,
    },
    iothub::{ErrorCode, IfMatch, RegistrationId},
};

/// Most enrolments of a request.
const MOST: usize = 100;

/// The body of a request.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct BulkEnrollment {
    mode: Mode,
    enrollments: Vec<Enrollment>,
}

/// What is to be done with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "BulkEnrollmentMode")]
enum Mode {
    Create,
    Update,
    #[serde(alias = "updateIfMatchEtag")]
    UpdateIfMatchETag,
    Delete,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "BulkEnrollmentResult")]
pub(crate) struct BulkOutcome {
    pub(crate) is_successful: bool,
    pub(crate) errors: Vec<BulkError>,
}

/// What became of one that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "BulkEnrollmentError")]
pub(crate) struct BulkError {
    pub(crate) registration_id: String,
    pub(crate) error_code: u32,
    pub(crate) error_status: String,
}

impl<S: Store, L: Links> Core<S, L> {
    /// Carries out one after the other; those that fail do not keep the others back.
    pub(crate) async fn bulk_enroll(&self, bulk: BulkEnrollment) -> Result<BulkOutcome, Failure> {
        if bulk.enrollments.len() > MOST {
            return Err(Failure::new(ErrorCode::TooManyDevices, format!("a request has at most {MOST} enrolments")));
        }
        let mut errors = Vec::new();
        for body in bulk.enrollments {
            let name = body.id(Breed::Individual).unwrap_or_default().to_owned();
            if let Err(failure) = self.enroll_one(bulk.mode, &name, body).await {
                let Failure { code, message, .. } = failure;
                errors.push(BulkError { registration_id: name, error_code: code.number(), error_status: message });
            }
        }
        Ok(BulkOutcome { is_successful: errors.is_empty(), errors })
    }

    async fn enroll_one(&self, mode: Mode, name: &str, body: Enrollment) -> Result<(), Failure> {
        let id = RegistrationId::new(name).map_err(|error| Failure::invalid(error.to_string()))?;
        let if_match = match mode {
            Mode::Create => None,
            Mode::Update | Mode::Delete => Some(IfMatch::Any),
            Mode::UpdateIfMatchETag => Some(IfMatch::parse(body.etag.as_str())),
        };
        match mode {
            Mode::Delete => self.delete_enrollment(Breed::Individual, &id, if_match.as_ref()).await,
            _ => self.put_enrollment(Breed::Individual, &id, body, if_match.as_ref()).await.map(drop),
        }
    }
}
