//! Errors on the wire (protocol reference 2.4): the codes, and the envelopes they travel in.

mod envelope;

pub use envelope::{Envelope, ErrorAnswer, HubFault};

/// The table as it stands in the protocol reference: number, then name.
macro_rules! error_codes {
    ($($number:literal $name:ident,)*) => {
        /// What went wrong at a hub: a six-digit number whose first three digits are the HTTP status, and the name
        /// that stands in the `iothub-errorcode` header (protocol reference 2.4).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "the protocol's names say it")]
        pub enum ErrorCode {
            $($name = $number,)*
        }

        impl ErrorCode {
            /// Every code of the table, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name in the `iothub-errorcode` header.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

error_codes! {
    400_000 GenericBadRequest,
    400_001 InvalidProtocolVersion,
    400_002 DeviceInvalidResultCount,
    400_003 InvalidOperation,
    400_004 ArgumentInvalid,
    400_005 ArgumentNull,
    400_006 IotHubFormatError,
    400_008 BlobContainerValidationError,
    400_010 InvalidSchemaVersion,
    400_011 DeviceDefinedMultipleTimes,
    400_012 DeserializationError,
    400_013 BulkRegistryOperationFailure,
    400_021 RequestCanceled,
    400_023 EtagDoesNotMatch,
    400_024 RequestTimedOut,
    400_027 ConnectionForcefullyClosedOnNewConnection,
    400_028 InvalidDeviceScope,
    400_301 CannotRegisterModuleToModule,
    400_401 InvalidConfigurationTargetCondition,
    400_402 InvalidConfigurationContent,
    400_403 CannotModifyImmutableConfigurationContent,
    400_404 InvalidConfigurationCustomMetricsQuery,
    401_000 GenericUnauthorized,
    401_001 IotHubNotFound,
    401_002 IotHubUnauthorizedAccess,
    401_003 IotHubUnauthorized,
    403_000 GenericForbidden,
    403_001 IotHubSuspended,
    403_002 IotHubQuotaExceeded,
    403_003 JobQuotaExceeded,
    403_004 DeviceMaximumQueueDepthExceeded,
    403_005 IotHubMaxCbsTokenExceeded,
    403_006 DeviceMaximumActiveFileUploadLimitExceeded,
    403_010 OperationNotAvailableInCurrentTier,
    403_012 DeviceDisabled,
    404_000 GenericNotFound,
    404_001 DeviceNotFound,
    404_002 JobNotFound,
    404_010 ModuleNotFound,
    404_103 DeviceNotOnline,
    404_104 DeviceConnectionClosedRemotely,
    404_301 ConfigurationNotFound,
    405_000 GenericMethodNotAllowed,
    405_102 OperationNotAllowedInCurrentState,
    409_000 GenericConflict,
    409_001 DeviceAlreadyExists,
    409_002 LinkCreationConflict,
    409_103 DeviceJobAlreadyExists,
    409_104 JobAlreadyExists,
    409_301 ModuleAlreadyExistsOnDevice,
    409_401 ConfigurationAlreadyExists,
    409_402 ApplyConfigurationAlreadyInProgressOnDevice,
    412_000 GenericPreconditionFailed,
    412_001 PreconditionFailed,
    412_002 DeviceMessageLockLost,
    412_003 JobRunPreconditionFailed,
    412_004 InflightMessagesInLink,
    413_001 MessageTooLarge,
    413_002 TooManyDevices,
    413_003 TooManyModulesOnDevice,
    413_101 ConfigurationCountLimitExceeded,
    415_000 GenericUnsupportedMediaType,
    415_101 IncompatibleDataType,
    429_000 GenericTooManyRequests,
    429_001 ThrottlingException,
    429_002 ThrottleBacklogLimitExceeded,
    429_003 ThrottlingBacklogTimeout,
    429_004 ThrottlingMaxActiveJobCountExceeded,
    429_005 DeviceThrottlingLimitExceeded,
    499_000 ClientClosedRequest,
    500_000 GenericServerError,
    500_001 ServerError,
    500_008 GenericTimeout,
    502_000 GenericBadGateway,
    502_001 InvalidResponseWhileProxying,
    503_000 GenericServiceUnavailable,
    503_001 ServiceUnavailable,
    503_005 ServerBusy,
    503_102 DeviceUnavailable,
    504_000 GenericGatewayTimeout,
    504_101 GatewayTimeout,
}

impl ErrorCode {
    /// The six digits.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The HTTP status: the first three digits.
    #[expect(clippy::cast_possible_truncation, reason = "every number of the table has six digits")]
    pub const fn status(self) -> u16 {
        (self as u32 / 1000) as u16
    }

    /// The code with a number, if the table has it.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| u64::from(code.number()) == number)
    }

    /// The code with a name, if the table has it; letter case does not count.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name().eq_ignore_ascii_case(name))
    }

    /// Whether trying again later, unchanged, may help (protocol reference 14).
    pub const fn is_transient(self) -> bool {
        matches!(self.status(), 429 | 500..=599) || matches!(self, Self::RequestTimedOut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back_to_the_code() {
        for code in ErrorCode::ALL.iter().copied() {
            assert_eq!(ErrorCode::from_number(code.number().into()), Some(code));
            assert_eq!(ErrorCode::from_name(code.name()), Some(code));
            assert!((400..600).contains(&code.status()));
        }
        assert!(ErrorCode::ALL.is_sorted());
        assert_eq!(ErrorCode::from_number(123), None);
    }

    #[test]
    fn throttling_is_transient_and_a_stale_etag_is_not() {
        assert!(ErrorCode::ThrottlingBacklogTimeout.is_transient() && ErrorCode::GatewayTimeout.is_transient());
        assert!(!ErrorCode::PreconditionFailed.is_transient() && !ErrorCode::DeviceNotFound.is_transient());
    }
}
