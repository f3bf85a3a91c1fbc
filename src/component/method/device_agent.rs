//! The methods of the Azure Device Agent (Windows reference 1.21).

use serde_json::{Value, json};

use super::{Effect, Method, choice, file_name, flag, form, object, secret, text};
use crate::component::windows::GUID;

pub(super) fn methods() -> Vec<Method> {
    [commands(), files()].concat()
}

/// What every payload but one says of itself.
fn meta() -> (&'static str, Value) {
    let version = form("Version of the interface, `major.minor.patch`", r"^[0-9]+\.[0-9]+\.[0-9]+$");
    ("__meta", object([("serviceInterfaceVersion", version)]))
}

fn commands() -> Vec<Method> {
    use Effect::{Changes, Destroys, Interrupts, Reads};
    let clear = || ("clearTpm", flag("Whether the device loses its identity at the hub as well"));
    vec![
        Method::with("StartRebootCmd", "Restarts the device", Interrupts, [meta()]).reports("StartRebootCmd"),
        Method::with(
            "StartFactoryResetCmd",
            "Brings the device back to the state it was delivered in",
            Destroys,
            [meta(), ("partitionGuid", form("The recovery entry of the boot manager", GUID)), clear()],
        )
        .reports("StartFactoryResetCmd"),
        Method::with("StartRemoteWipeCmd", "Wipes the device", Destroys, [meta(), clear()])
            .reports("StartRemoteWipeCmd"),
        Method::with(
            "ManageAppLifeCycleCmd",
            "Starts or stops an app",
            Changes,
            [
                meta(),
                ("pkgFamilyName", text("The app's package family name")),
                ("action", choice("What is done", &["start", "stop"])),
            ],
        ),
        Method::with("GetInstalledUwpAppsCmd", "Lists the installed apps", Reads, [meta()]),
        Method::with(
            "GetDetailedCertificateInfoCmd",
            "Tells what a certificate says",
            Reads,
            [
                meta(),
                ("path", form("Path of the certificate's store", r"^\./")),
                ("hash", form("The certificate's SHA-1 thumbprint", "^[0-9A-Fa-f]{40}$")),
            ],
        ),
        Method {
            payload: json!({"type": ["object", "null"]}),
            ..Method::bare("clearReportedCmd", "Takes everything back that was reported", Changes)
        },
    ]
}

fn files() -> Vec<Method> {
    use Effect::{Destroys, Reads};
    let folder = || ("folderName", file_name("The folder of logs"));
    let file = || ("fileName", file_name("The file in it"));
    vec![
        Method::with("EnumerateLogFoldersCmd", "Lists the folders of logs", Reads, [meta()]),
        Method::with("EnumerateLogFilesCmd", "Lists the files in a folder of logs", Reads, [meta(), folder()]),
        Method::with(
            "UploadLogFileCmd",
            "Writes a file to a blob",
            Reads,
            [
                meta(),
                folder(),
                file(),
                ("connectionString", secret("Connection string of the storage account")),
                ("container", text("The container")),
            ],
        ),
        Method::with("DeleteLogFileCmd", "Deletes a file", Destroys, [meta(), folder(), file()]),
    ]
}
