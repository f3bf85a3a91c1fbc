//! What a request wants to do, and what that takes (protocol reference 1.3, 1.6).

use crate::iothub::Permissions;

/// One kind of operation of the service API: a data action for whoever shows a bearer token, permissions of a policy
/// for whoever shows a shared access signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    ReadDevices,
    WriteDevices,
    DeleteDevices,
    ReadTwins,
    WriteTwins,
    ReadJobs,
    WriteJobs,
    DeleteJobs,
    /// Import and export, which concern identities.
    WriteTransfers,
    ReadConfigurations,
    WriteConfigurations,
    DeleteConfigurations,
    ApplyConfigurations,
    TestConfigurations,
    Invoke,
    SendMessages,
    ReceiveFeedback,
    PurgeMessages,
    ReadDeviceStatistics,
    ReadServiceStatistics,
    ReadEnrollments,
    WriteEnrollments,
}

const READ: Permissions = Permissions::REGISTRY_READ;
const WRITE: Permissions = Permissions::REGISTRY_WRITE;
const SERVICE: Permissions = Permissions::SERVICE_CONNECT;

impl Action {
    /// The permissions of which a policy must have one.
    pub(crate) const fn permissions(self) -> &'static [Permissions] {
        match self {
            Self::ReadDevices | Self::ReadDeviceStatistics => &[READ],
            Self::WriteDevices | Self::DeleteDevices | Self::WriteTransfers => &[WRITE],
            Self::ReadEnrollments => &[READ, Permissions::ENROLLMENT_READ],
            Self::WriteEnrollments => &[WRITE, Permissions::ENROLLMENT_WRITE],
            Self::ReadConfigurations | Self::TestConfigurations => &[READ, SERVICE],
            Self::WriteConfigurations | Self::DeleteConfigurations | Self::ApplyConfigurations => &[WRITE, SERVICE],
            Self::ReadTwins
            | Self::WriteTwins
            | Self::ReadJobs
            | Self::WriteJobs
            | Self::DeleteJobs
            | Self::Invoke
            | Self::SendMessages
            | Self::ReceiveFeedback
            | Self::PurgeMessages
            | Self::ReadServiceStatistics => &[SERVICE],
        }
    }
}
