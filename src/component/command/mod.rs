//! The commands of this project's agent: direct methods by which a device is told to do something once.
//!
//! [`Command`] has their names, `payload` what each is handed, `answer` what it answers, `order` reads one from the
//! bytes of a call, `schema` what forms are made of. A name with a dot is called as it is written (`apps.start`); the star of Plug and Play
//! (`apps*start`, protocol reference 15) means the same. Hubs take any name that can be a level of an MQTT topic, and
//! clients letters, digits, `-`, `_`, `.` and `*` (protocol reference 7 and 11.8).

pub mod answer;
mod order;
pub mod payload;
#[cfg(feature = "cli")]
mod schema;

pub use order::{Order, Work};

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "`about` says what each is")]
pub enum Command {
    Reboot,
    FactoryReset,
    Wipe,
    Report,
    ClearReported,
    AppsStart,
    AppsStop,
    UpdatesScan,
    DiagnosticsCollect,
    DiagnosticsList,
    DiagnosticsUpload,
    DiagnosticsDelete,
}

impl Command {
    /// Every command.
    pub const ALL: [Self; 12] = [
        Self::Reboot,
        Self::FactoryReset,
        Self::Wipe,
        Self::Report,
        Self::ClearReported,
        Self::AppsStart,
        Self::AppsStop,
        Self::UpdatesScan,
        Self::DiagnosticsCollect,
        Self::DiagnosticsList,
        Self::DiagnosticsUpload,
        Self::DiagnosticsDelete,
    ];

    /// Its name, as it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reboot => "reboot",
            Self::FactoryReset => "factoryReset",
            Self::Wipe => "wipe",
            Self::Report => "report",
            Self::ClearReported => "clearReported",
            Self::AppsStart => "apps.start",
            Self::AppsStop => "apps.stop",
            Self::UpdatesScan => "updates.scan",
            Self::DiagnosticsCollect => "diagnostics.collect",
            Self::DiagnosticsList => "diagnostics.list",
            Self::DiagnosticsUpload => "diagnostics.upload",
            Self::DiagnosticsDelete => "diagnostics.delete",
        }
    }

    /// The command of a name, with a dot or with the star of Plug and Play.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.name() == name || command.name().replace('.', "*") == name)
    }

    /// What it does, in one sentence without a full stop.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Reboot => "Restarts the device after a minute",
            Self::FactoryReset => "Brings the device back to the state it was delivered in, in two steps",
            Self::Wipe => "Destroys the data of the device, in two steps",
            Self::Report => "Compares what the hub holds with what is, and reports what differs",
            Self::ClearReported => "Takes everything back that was reported, and reports it anew",
            Self::AppsStart => "Starts an app",
            Self::AppsStop => "Stops an app",
            Self::UpdatesScan => "Looks for updates, and installs none",
            Self::DiagnosticsCollect => {
                "Collects entries of the journal and files of logs, and can write them to a blob"
            }
            Self::DiagnosticsList => "Lists what was collected",
            Self::DiagnosticsUpload => "Writes what was collected to a blob",
            Self::DiagnosticsDelete => "Deletes what was collected",
        }
    }

    /// Whether it destroys what cannot be brought back. Such a command has two steps, and no device allows it by itself.
    pub const fn destroys(self) -> bool {
        matches!(self, Self::FactoryReset | Self::Wipe)
    }

    /// Whether it only reads, so that it need not wait for a pass to end.
    pub const fn only_reads(self) -> bool {
        matches!(
            self,
            Self::DiagnosticsCollect | Self::DiagnosticsList | Self::DiagnosticsUpload | Self::DiagnosticsDelete
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_by_its_name_and_by_the_star() {
        for command in Command::ALL {
            assert_eq!(Command::find(command.name()), Some(command));
            assert_eq!(Command::find(&command.name().replace('.', "*")), Some(command));
            let clients = |c: char| c.is_ascii_alphanumeric() || "-_.*".contains(c);
            assert!(command.name().chars().all(clients), "{}", command.name());
        }
        assert_eq!(Command::find("explode"), None);
    }
}
