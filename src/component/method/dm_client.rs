//! The methods of the Windows IoT Azure DM client (Windows reference, section 2). It answers most of them before
//! they are done, and all of them with status 0.

use super::{Effect, Method, choice, file_name, flag, form, secret, text};
use crate::component::windows::GUID;

const PATH: &str = r"^\./";
const SHA1: &str = "^[0-9A-Fa-f]{40}$";

pub(super) fn methods() -> Vec<Method> {
    [commands(), reports(), files()].concat()
}

fn commands() -> Vec<Method> {
    use Effect::{Changes, Destroys, Interrupts};
    vec![
        Method::bare(
            "windows.rebootAsync",
            "Restarts the device, unless its active hours or an app forbid it",
            Interrupts,
        )
        .reports("windows.rebootCmd"),
        Method::with(
            "windows.startFactoryResetAsync",
            "Starts the recovery partition, which brings the device back to the state it was delivered in",
            Destroys,
            [
                ("clearTPM", flag("Whether the device loses its identity at the hub as well")),
                ("recoveryPartitionGUID", form("The recovery entry of the boot manager", GUID)),
            ],
        )
        .reports("windows.factoryReset"),
        Method::with(
            "windows.startRemoteWipeAsync",
            "Wipes the device",
            Destroys,
            [("clearTPM", flag("Whether the device loses its identity at the hub as well"))],
        )
        .reports("windows.remoteWipe"),
        Method::with(
            "windows.startUsoClientCmdAsync",
            "Looks for updates, or restarts for those that wait",
            Interrupts,
            [("cmd", choice("What is done", &["startInteractiveScan", "restartDevice"]))],
        )
        .reports("windows.usoClientCmd"),
        Method::with(
            "windows.manageAppLifeCycleAsync",
            "Starts or stops an app",
            Changes,
            [
                ("action", choice("What is done", &["start", "stop"])),
                ("pkgFamilyName", text("The app's package family name")),
            ],
        )
        .reports("windows.manageAppLifeCycleCmd"),
        Method::bare(
            "windows.startDmAppStoreUpdateAsync",
            "Updates the app that holds the client from the Store",
            Changes,
        )
        .reports("windows.dmAppStoreUpdate"),
    ]
}

fn reports() -> Vec<Method> {
    use Effect::{Changes, Reads};
    let upload = || {
        [
            ("connectionString", secret("Connection string of the storage account")),
            ("containerName", text("The container")),
            ("blobName", text("The blob that is written")),
        ]
    };
    let [to, container, blob] = upload();
    let certificate = [
        ("path", form("Path of the certificate's store", PATH)),
        ("hash", form("The certificate's SHA-1 thumbprint", SHA1)),
        to,
        container,
        blob,
    ];
    let [to, container, blob] = upload();
    vec![
        Method::bare("windows.reportAllAsync", "Reports every section anew", Reads),
        Method::bare("windows.clearReportedPropertiesAsync", "Takes everything back that was reported", Changes),
        Method::with("windows.getCertificateDetails", "Writes what a certificate says to a blob", Reads, certificate),
        Method::with(
            "windows.getWifiDetails",
            "Writes the profile of a network, with its key in clear text, to a blob",
            Reads,
            [("profileName", text("Name of the profile")), to, container, blob],
        ),
        Method::bare("windows.deviceHealthAttestationReportNow", "Asks the device to start an attestation", Reads)
            .reports("windows.deviceHealthAttestation"),
        Method::with(
            "windows.deviceHealthAttestationGetReport",
            "Hands the attestation's nonce to the device",
            Reads,
            [("Nonce", form("8 to 32 bytes in hexadecimal", "^([0-9A-Fa-f]{2}){8,32}$"))],
        )
        .reports("windows.deviceHealthAttestation"),
    ]
}

/// Their answers are no valid JSON: an object that ends in a comma.
fn files() -> Vec<Method> {
    use Effect::{Destroys, Reads};
    let folder = || ("folder", file_name("The folder of logs"));
    let file = || ("fileName", file_name("The file in it"));
    vec![
        Method::bare("windows.enumDMFolders", "Lists the folders of logs", Reads),
        Method::with("windows.enumDMFiles", "Lists the files in a folder of logs", Reads, [folder()]),
        Method::with(
            "windows.uploadDMFile",
            "Writes a file to a blob, and answers when it is there",
            Reads,
            [
                folder(),
                file(),
                ("connectionString", secret("Connection string of the storage account")),
                ("container", text("The container")),
            ],
        ),
        Method::with("windows.deleteDMFile", "Deletes a file", Destroys, [folder(), file()]),
    ]
}
