//! The wire: what IoT Hub's clients and servers say to each other, as values (protocol reference 1 to 3, 11).
//!
//! Everything here is pure, and used from both ends: a hub reads what a client writes, and the other way round. So
//! reading and printing stand side by side, reading is as lenient as the SDKs in the field make necessary, and every
//! parser takes any bytes without harm.
//!
//! * [`ConnectionString`] says where a hub is and how to prove oneself; [`Key`] and [`Secret`] never show themselves.
//! * [`SasToken`] is verified in steps, [`sign`] makes one; [`Scope`] is what it opens, [`Permissions`] what a policy
//!   allows.
//! * [`Username`] and [`ClientId`] come with an MQTT CONNECT, [`RegistrantName`] with that of a device which is yet to be
//!   assigned to a hub; [`topic`] has the topics.
//! * [`DeviceIdentity`] and [`ModuleIdentity`] are REST bodies, [`ETag`] and [`IfMatch`] their editions; [`BulkEntry`]
//!   is one of many.
//! * [`ErrorCode`] is what can go wrong; [`ErrorAnswer`] writes it, [`HubFault`] reads it.

mod audience;
mod bulk;
mod certificate;
mod connection;
mod error;
mod escape;
mod etag;
mod host;
mod identity;
mod key;
mod policy;
mod registration;
mod sas;
mod secret;
pub mod topic;
mod username;

pub use audience::{Audience, Scope};
pub use bulk::{
    BulkEntry, BulkError, BulkProperties, BulkResult, BulkWarning, ImportMode, KeyChoice, KeyOwner, KeyRenewal,
    KeyRenewalError, KeyRenewalResult, MOST_BULK_ENTRIES, REGISTERED_WITHOUT_TWIN, RenewedKeys,
};
pub use certificate::{CertificateList, CertificateProperties, CertificateResource};
pub use connection::{
    ConnectionString, ConnectionStringError, DeviceConnection, DeviceCredential, ServiceConnection, ServiceCredential,
};
pub use error::{Envelope, ErrorAnswer, ErrorCode, HubFault};
pub use etag::{ETag, IfMatch};
pub use host::{HostName, HostNameError};
pub use identity::{
    Authentication, AuthenticationType, Capabilities, ConnectionState, DeviceIdentity, DeviceStatus, ModuleIdentity,
    NEVER, SymmetricKey, X509Thumbprint,
};
pub use key::{Key, KeyError, MAX_KEY_BYTES, MIN_KEY_BYTES};
pub use policy::{DEFAULT_POLICIES, Permissions};
pub use registration::{RegistrantName, RegistrantNameError, RegistrationId, RegistrationIdError};
pub use sas::{CLOCK_SKEW_SECONDS, SasError, SasToken, sign};
pub use secret::Secret;
pub use topic::{Deliver, Filter, Properties, Publish, TopicError};
pub use username::{ClientId, Username, UsernameError};
