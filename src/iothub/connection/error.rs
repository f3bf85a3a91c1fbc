//! Why a text is not a connection string.

use thiserror::Error;

use super::super::host::HostNameError;
use super::super::key::KeyError;

/// The names that may stand before a `=`.
pub(super) const NAMES: [&str; 8] = [
    "HostName",
    "GatewayHostName",
    "DeviceId",
    "ModuleId",
    "SharedAccessKeyName",
    "SharedAccessKey",
    "SharedAccessSignature",
    "x509",
];

/// Why a text is not a connection string. No message holds a value, because values are secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConnectionStringError {
    /// A part without `=`, or whose name is no word; it is not shown, for it may be a bare key.
    #[error(
        "part {0} is not `Name=value`; a connection string reads `HostName=…;SharedAccessKeyName=…;SharedAccessKey=…`"
    )]
    Part(usize),
    /// A name that no connection string has.
    #[error("connection strings have no `{name}`{hint}", hint = hint(name))]
    Unknown {
        /// The name as written.
        name: String,
    },
    /// A name that stands twice.
    #[error("`{0}` stands twice in the connection string")]
    Duplicate(&'static str),
    /// A name that has to be there.
    #[error("the connection string has no `{0}`")]
    Missing(&'static str),
    /// Names that contradict each other.
    #[error("the connection string has both `{0}` and `{1}`; keep one")]
    Contradiction(&'static str, &'static str),
    /// Another kind of connection string than the one needed.
    #[error("this is the connection string of a {found}; here that of a {wanted} is needed")]
    Kind {
        /// What was given.
        found: &'static str,
        /// What is needed.
        wanted: &'static str,
    },
    /// `x509` with another value than `true`.
    #[error("`x509` takes only `true`")]
    X509,
    /// The value of `HostName` or `GatewayHostName`.
    #[error("reading {0} of the connection string")]
    Host(&'static str, #[source] HostNameError),
    /// The value of `SharedAccessKey`.
    #[error("reading SharedAccessKey of the connection string")]
    Key(#[source] KeyError),
}

fn hint(name: &str) -> String {
    NAMES
        .iter()
        .find(|known| known.eq_ignore_ascii_case(name))
        .map_or_else(String::new, |known| format!("; did you mean `{known}`? Names are case-exact"))
}
