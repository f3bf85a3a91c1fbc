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
    /// Twins that are written with identities, many at once.
    ImportTwins,
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
            Self::WriteDevices | Self::DeleteDevices | Self::ImportTwins | Self::WriteTransfers => &[WRITE],
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

    /// The data action that a role must have.
    pub(crate) const fn data_action(self) -> &'static str {
        match self {
            Self::ReadDevices => "Microsoft.Devices/IotHubs/devices/read",
            // An import writes identities, and an export tells their keys, which is as much.
            Self::WriteDevices | Self::WriteTransfers => "Microsoft.Devices/IotHubs/devices/write",
            Self::DeleteDevices => "Microsoft.Devices/IotHubs/devices/delete",
            Self::ReadTwins => "Microsoft.Devices/IotHubs/twins/read",
            Self::WriteTwins | Self::ImportTwins => "Microsoft.Devices/IotHubs/twins/write",
            Self::ReadJobs => "Microsoft.Devices/IotHubs/jobs/read",
            Self::WriteJobs => "Microsoft.Devices/IotHubs/jobs/write",
            Self::DeleteJobs => "Microsoft.Devices/IotHubs/jobs/delete",
            Self::ReadConfigurations => "Microsoft.Devices/IotHubs/configurations/read",
            Self::WriteConfigurations => "Microsoft.Devices/IotHubs/configurations/write",
            Self::DeleteConfigurations => "Microsoft.Devices/IotHubs/configurations/delete",
            Self::ApplyConfigurations => "Microsoft.Devices/IotHubs/configurations/applyToEdgeDevice/action",
            Self::TestConfigurations => "Microsoft.Devices/IotHubs/configurations/testQueries/action",
            Self::Invoke => "Microsoft.Devices/IotHubs/directMethods/invoke/action",
            Self::SendMessages => "Microsoft.Devices/IotHubs/cloudToDeviceMessages/send/action",
            Self::ReceiveFeedback => "Microsoft.Devices/IotHubs/cloudToDeviceMessages/feedback/action",
            Self::PurgeMessages => "Microsoft.Devices/IotHubs/cloudToDeviceMessages/queue/purge/action",
            Self::ReadDeviceStatistics | Self::ReadServiceStatistics => "Microsoft.Devices/IotHubs/statistics/read",
            // The provisioning service is part of this hub; in Azure it is another resource.
            Self::ReadEnrollments => "Microsoft.Devices/IotHubs/enrollments/read",
            Self::WriteEnrollments => "Microsoft.Devices/IotHubs/enrollments/write",
        }
    }
}
