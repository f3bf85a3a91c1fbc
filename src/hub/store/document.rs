//! What a hub keeps beside identities and twins.

/// A document of the hub: JSON text under a name. What is in it is for whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) kind: Kind,
    /// Unique in its kind. Parts of compound ids stand between `/`, which is in no id of the protocol.
    pub(crate) id: Box<str>,
    /// 0 for one that is to be made; from 1 in the store, and one more with every write.
    pub(crate) revision: u64,
    pub(crate) body: Box<str>,
}

/// What a document is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A configuration (protocol reference 8), by its id.
    Configuration,
    /// What a configuration's metrics came to: `configuration/`.
    ConfigurationResults,
    /// A scheduled job (protocol reference 9.1), by its id.
    Job,
    /// A device's part in a job: `job/device` or `job/device/module`.
    JobPart,
    /// A cloud-to-device message that waits: `device/sequence`.
    Message,
    /// The order of a device's messages: `device/`.
    Queue,
    /// When a message that waits ends: `time/device/sequence`.
    Expiry,
    /// A certificate authority that vouches for devices, by the name it was given.
    Authority,
    /// An individual enrolment of the provisioning service (protocol reference 13.3), by registration id.
    Enrollment,
    /// An enrolment group, by its id.
    EnrollmentGroup,
    /// What came of a registration, by registration id.
    Registration,
}

impl Kind {
    /// The name in the store.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::ConfigurationResults => "configurationResults",
            Self::Job => "job",
            Self::JobPart => "jobPart",
            Self::Message => "message",
            Self::Queue => "queue",
            Self::Expiry => "expiry",
            Self::Authority => "authority",
            Self::Enrollment => "enrollment",
            Self::EnrollmentGroup => "enrollmentGroup",
            Self::Registration => "registration",
        }
    }
}
