//! The direct methods of the Windows IoT Azure DM client (Windows reference 2): their names, what they are handed, and
//! what they answer. That client answers 0 to all it takes on, mostly before it is done; what is refused here is answered
//! as every other command is, so that nobody takes it for done.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{Refused, Reply, book::Call};
use crate::component::command::{Command, Order, Work};

/// The status of everything that the client takes on.
const TAKEN: i32 = 0;
/// The one folder that files are collected in.
const FOLDER: &str = "diagnostics";
/// Those that no device of ours has.
const UNSUPPORTED: [&str; 5] = [
    "windows.startDmAppStoreUpdateAsync",
    "windows.getCertificateDetails",
    "windows.getWifiDetails",
    "windows.deviceHealthAttestationReportNow",
    "windows.deviceHealthAttestationGetReport",
];

/// A call in the words of the client.
#[derive(Debug, PartialEq)]
pub(super) struct Called {
    pub(super) order: Order,
    pub(super) manner: Manner,
}

/// How it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// At once, and later in this section of `reported.windows`, if there is one.
    Later(Option<&'static str>),
    /// When it is done, with the names of what there is.
    Names,
    /// When it is done.
    Plainly,
    /// At once: the folders are always the same.
    Folders,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lifecycle {
    action: String,
    pkg_family_name: String,
}

#[derive(Deserialize)]
struct Uso {
    cmd: String,
}

#[derive(Deserialize)]
struct Folder {
    folder: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    folder: String,
    file_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Upload {
    folder: String,
    file_name: String,
    connection_string: String,
    container: String,
}

/// The command behind a name; `None` where it depends on what it is handed, or there is none.
fn command(name: &str) -> Option<(Command, Manner)> {
    use Manner::{Folders, Later, Names, Plainly};
    Some(match name {
        "windows.rebootAsync" => (Command::Reboot, Later(Some("rebootCmd"))),
        "windows.startFactoryResetAsync" => (Command::FactoryReset, Later(Some("factoryReset"))),
        "windows.startRemoteWipeAsync" => (Command::Wipe, Later(Some("remoteWipe"))),
        "windows.reportAllAsync" => (Command::Report, Later(None)),
        "windows.clearReportedPropertiesAsync" => (Command::ClearReported, Later(None)),
        "windows.startUsoClientCmdAsync" => (Command::UpdatesScan, Later(Some("usoClientCmd"))),
        "windows.manageAppLifeCycleAsync" => (Command::AppsStart, Later(Some("manageAppLifeCycleCmd"))),
        "windows.enumDMFolders" => (Command::DiagnosticsList, Folders),
        "windows.enumDMFiles" => (Command::DiagnosticsList, Names),
        "windows.uploadDMFile" => (Command::DiagnosticsUpload, Plainly),
        "windows.deleteDMFile" => (Command::DiagnosticsDelete, Plainly),
        _ => return None,
    })
}

/// Whether it is one of the client's methods.
pub(super) fn is_known(name: &str) -> bool {
    command(name).is_some() || UNSUPPORTED.contains(&name)
}

/// Reads a call; `None` when the method is not the client's.
pub(super) fn read(name: &str, payload: &[u8]) -> Option<Result<Called, Refused>> {
    if UNSUPPORTED.contains(&name) {
        return Some(Err(Refused::Unsupported(format!("this device has no `{name}`"))));
    }
    let (command, manner) = command(name)?;
    Some(order(command, manner, payload).map(|order| Called { order, manner }))
}

fn order(command: Command, manner: Manner, payload: &[u8]) -> Result<Order, Refused> {
    let plain = |command| Ok(Order::new(command, Work::Plain));
    match (command, manner) {
        (Command::UpdatesScan, _) => match typed::<Uso>(payload)?.cmd.as_str() {
            "startInteractiveScan" => plain(Command::UpdatesScan),
            "restartDevice" => plain(Command::Reboot),
            _ => Err(Refused::Payload("`cmd` is `startInteractiveScan` or `restartDevice`".to_owned())),
        },
        (Command::AppsStart, _) => {
            let Lifecycle { action, pkg_family_name } = typed(payload)?;
            let command = match action.as_str() {
                "start" => Command::AppsStart,
                "stop" => Command::AppsStop,
                _ => return Err(Refused::Payload("`action` is `start` or `stop`".to_owned())),
            };
            Ok(Order::new(command, Work::App(pkg_family_name)))
        }
        (_, Manner::Names) => check_folder(&typed::<Folder>(payload)?.folder).and_then(|()| plain(command)),
        (Command::DiagnosticsDelete, _) => {
            let File { folder, file_name } = typed(payload)?;
            check_folder(&folder)?;
            Ok(Order::new(command, Work::File(file_name)))
        }
        (Command::DiagnosticsUpload, _) => {
            let asked: Upload = typed(payload)?;
            check_folder(&asked.folder)?;
            let url = address(&asked)?;
            Ok(Order::new(command, Work::Upload { name: asked.file_name, url }))
        }
        _ => plain(command),
    }
}

fn typed<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(payload).map_err(|fault| Refused::Payload(format!("the payload: {fault}")))
}

fn check_folder(folder: &str) -> Result<(), Refused> {
    let why = || Refused::Unknown(format!("there is no folder `{folder}`; the one folder is `{FOLDER}`"));
    (folder == FOLDER).then_some(()).ok_or_else(why)
}

/// Where a blob is written to, of a connection string that holds a signature. The key of an account signs everything
/// in it; it is not taken.
fn address(asked: &Upload) -> Result<String, Refused> {
    let part = |name: &str| {
        let mut parts = asked.connection_string.split(';');
        parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    };
    let (Some(endpoint), Some(signature)) = (part("BlobEndpoint"), part("SharedAccessSignature")) else {
        let why = "`connectionString` must have `BlobEndpoint` and `SharedAccessSignature`; account keys are not taken";
        return Err(Refused::Payload(why.to_owned()));
    };
    let (endpoint, signature) = (endpoint.trim_end_matches('/'), signature.trim_start_matches('?'));
    Ok(format!("{endpoint}/{}/{}?{signature}", asked.container, asked.file_name))
}

/// The answer of one that is done later.
pub(super) fn pending(now: &str) -> Reply {
    Reply { status: TAKEN, body: json!({"lastChange": {"time": now, "state": "pending"}}) }
}

/// The answer of one about files. Its own ends in a comma, which is no JSON; this one is.
pub(super) fn files(manner: Manner, done: &Reply) -> Reply {
    let error = done.body.get("error").and_then(Value::as_str).unwrap_or_default();
    let code = if done.status < 300 { 0 } else { done.status };
    let mut body = json!({"errorCode": code, "errorMessage": error});
    match manner {
        Manner::Folders => body["list"] = json!([FOLDER]),
        Manner::Names => {
            let files = done.body.get("files").and_then(Value::as_array);
            body["list"] = files.into_iter().flatten().filter_map(|file| file.get("name")).cloned().collect();
        }
        Manner::Later(_) | Manner::Plainly => {}
    }
    Reply { status: TAKEN, body }
}

/// A section of `reported.windows`: how the last call went.
pub(super) fn section(call: &Call) -> Value {
    let state = match call.status {
        202 => "pending",
        status if status < 300 => "completed",
        _ => "failed",
    };
    let mut section = json!({"lastChange": {"time": call.at, "state": state}});
    // A factory reset and the life of an app have no `response` (Windows reference 1.10, 1.16).
    let responds = !matches!(call.section.as_deref(), Some("factoryReset" | "manageAppLifeCycleCmd"));
    if responds && state == "completed" {
        section["response"] = "scheduled".into();
    }
    if let Some(error) = call.answer.get("error") {
        section["lastChange"]["errSubSystem"] = "DeviceManagement".into();
        section["lastChange"]["errCode"] = call.status.into();
        section["lastChange"]["errContext"] = error.clone();
    }
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(name: &str, payload: &Value) -> Result<Called, Refused> {
        read(name, payload.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn every_method_of_the_client_is_known() {
        let names = crate::component::method::all().map(|method| method.name);
        let old: Vec<&str> = names.filter(|name| name.starts_with("windows.")).collect();
        assert_eq!(old.len(), 16);
        for name in old {
            assert!(is_known(name), "{name}");
        }
        assert!(read("windows.explode", b"{}").is_none());
    }

    #[test]
    fn what_they_are_handed_says_which_command_is_meant() {
        let order = |name, payload| called(name, &payload).unwrap().order;
        let uso = |cmd: &str| order("windows.startUsoClientCmdAsync", json!({ "cmd": cmd })).command;
        assert_eq!(uso("startInteractiveScan"), Command::UpdatesScan);
        assert_eq!(uso("restartDevice"), Command::Reboot);
        let life = |action: &str| json!({"action": action, "pkgFamilyName": "line"});
        assert_eq!(
            order("windows.manageAppLifeCycleAsync", life("stop")),
            Order::new(Command::AppsStop, Work::App("line".to_owned()))
        );
        assert!(matches!(called("windows.manageAppLifeCycleAsync", &life("eat")), Err(Refused::Payload(_))));
        // The client ignores what it does not know.
        assert_eq!(order("windows.rebootAsync", json!({"x": 1})).command, Command::Reboot);
    }

    #[test]
    fn a_blob_is_written_with_a_signature_and_never_with_the_key_of_an_account() {
        let upload = |string: &str| {
            let asked =
                json!({"folder": FOLDER, "fileName": "a.tar.gz", "connectionString": string, "container": "logs"});
            called("windows.uploadDMFile", &asked)
        };
        let signed = "BlobEndpoint=https://a.blob.example/;SharedAccessSignature=?sv=1&sig=x";
        let Work::Upload { url, .. } = upload(signed).unwrap().order.work else { panic!("an upload") };
        assert_eq!(url, "https://a.blob.example/logs/a.tar.gz?sv=1&sig=x");
        let fault = upload("AccountName=a;AccountKey=hunter2").unwrap_err();
        assert!(!fault.to_string().contains("hunter2") && fault.status() == 400);
    }

    #[test]
    fn answers_about_files_are_json_with_a_list() {
        let done = Reply { status: 200, body: json!({"files": [{"name": "a", "size": 1}]}) };
        let expected = json!({"list": ["a"], "errorCode": 0, "errorMessage": ""});
        assert_eq!(files(Manner::Names, &done), Reply { status: 0, body: expected });
        let failed = Reply::from(Refused::Unknown("no such file".to_owned()));
        assert_eq!(files(Manner::Plainly, &failed).body, json!({"errorCode": 404, "errorMessage": "no such file"}));
    }
}
