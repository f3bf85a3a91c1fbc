//! The options of the small agent, read by hand: a library for that would weigh more than the agent's own code.

use std::{ffi::OsString, io, path::PathBuf};

mod dsc;
mod given;
mod lease;

pub use dsc::{DscError, DscRequest};
pub use given::Given;
pub use lease::{LeaseAction, LeaseRequest, who};

use super::{AddressError, Config, ProxyError, SecretFileError, TransportError, UnknownMethod, install::Mode};
use crate::iothub::{ConnectionStringError, KeyError, RegistrationIdError};

/// Where the connection string stands when no file is named.
pub const CONNECTION_VARIABLE: &str = "IOTHUB_DEVICE_CONNECTION_STRING";
/// Where the agent keeps its ledger when no folder is named.
pub const STATE: &str = "/var/lib/twinops";

/// How to call the agent.
pub const HELP: &str = "\
Keeps this device as its twin declares.

Usage: twinops-agent [OPTIONS]
       twinops-agent check [OPTIONS] [--format json]   says why the agent cannot connect or apply
       twinops-agent install [OPTIONS] [--print]   makes the agent, with these options, a service; --root: of an image
       twinops-agent uninstall [--purge]   removes that service; with --purge, also the state folder
       twinops-agent override PATH VALUE --for 4h --reason TEXT   sets a value on this device for a while
       twinops-agent override [PATH --end]                        lists such values, or ends one
       twinops-agent dsc [COMPONENT get|test|what-if|set|schema INSTANCE]   lists DSC resources, or asks one

  --connection-string-file FILE  the device's connection string; or set IOTHUB_DEVICE_CONNECTION_STRING
  --certificate FILE             PEM chain of the device's certificate, for x509=true and provisioning
  --key FILE                     PEM file of its key, mode 0600
  --module ID                    connect as this module of the device
  --id-scope SCOPE               ask a provisioning service for the hub, instead of a connection string
  --provisioning-host HOST       where that is [global.azure-devices-provisioning.net]
  --registration-id ID           who the device is there
  --enrollment-key-file FILE     the key of its own enrolment, mode 0600
  --group-key-file FILE          the key of its enrolment group, mode 0600
  --mqtt HOST:PORT               where to connect to instead of port 8883 of the hub
  --transport auto|mqtt|websocket  by which way [auto: MQTT, or WebSocket where that port is closed]
  --proxy URL                    proxy for WebSocket, provisioning and fetched files; or HTTPS_PROXY and NO_PROXY
  --proxy-file FILE              the same with its password, mode 0600
  --ca FILE                      PEM file of the authorities to trust instead of the system's
  --state FOLDER                 where the agent keeps its ledger [/var/lib/twinops]
  --files-root FOLDER            a folder below which files may be managed; may be repeated
  --service NAME                 a service that may be changed, or `*`; may be repeated
  --dsc-path FOLDER              a folder with manifests of DSC resources; may be repeated
  --dsc-name NAME=TYPE           what the component of a DSC resource is called; may be repeated
  --log-folder FOLDER            a folder below which files of logs may be collected; may be repeated
  --allow-method NAME            a method that may be called besides those that destroy nothing, or
                                 `none` to begin with no method at all; may be repeated
  --factory-reset-command FILE   what `factoryReset` runs: a file with a program and its arguments, as JSON
  --wipe-command FILE            what `wipe` runs, likewise
  --root FOLDER                  where the device's file system begins [/]
  --report-only                  report drift on the device without undoing it
  --help                         print this
  --version                      print the version

TWINOPS_LOG sets how much is logged: error, warn, info, debug or trace [info].
Exit codes: 0 stopped as asked, 1 failed, 64 wrong usage.
";

/// What the command line asks for.
#[derive(Debug)]
pub enum Request {
    /// To look after the device.
    Run(Box<Config>),
    /// To see to the values that are set on the device for a while.
    Lease(LeaseRequest),
    /// To say why it cannot connect or apply.
    Check {
        /// The options that it would run with.
        given: Box<Given>,
        /// Whether to say it in JSON.
        json: bool,
    },
    /// To make it a service of the system, or show how.
    Install(Box<Given>, Mode),
    /// To remove that service.
    Uninstall {
        /// What is given of root and state folder.
        given: Box<Given>,
        /// Whether the state folder goes, too.
        purge: bool,
    },
    /// To ask the DSC resources of this device.
    Dsc(DscRequest),
    /// How to call the agent.
    Help,
    /// Which version it is.
    Version,
}

/// Why the command line makes no sense. No message holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// An unknown option.
    #[error("there is no option `{0}`; see --help")]
    Unknown(String),
    /// An option without its value.
    #[error("`{0}` needs a value; see --help")]
    NoValue(&'static str),
    /// What follows `override` makes no sense.
    #[error("write `override PATH VALUE --for 4h --reason TEXT`, `override PATH --end`, or `override` alone")]
    Override,
    /// No such format.
    #[error("--format is one of text, json")]
    Format,
    /// What follows `dsc` makes no sense.
    #[error("write `dsc COMPONENT get|test|what-if|set|schema INSTANCE --dsc-path FOLDER`, or without a component")]
    Dsc,
    /// The value of `--dsc-name`.
    #[error("`--dsc-name` is written NAME=OWNER/TYPE, e.g. `apt=DSC.PackageManagement/Apt`")]
    DscName,
    /// An address that is none.
    #[error("reading --mqtt")]
    Mqtt(#[source] AddressError),
    /// A method that is none.
    #[error("reading --allow-method")]
    Method(#[source] UnknownMethod),
    /// No connection string.
    #[error("no connection string; name a file with --connection-string-file, or set {CONNECTION_VARIABLE}")]
    NoConnection,
    /// The file with the connection string cannot be read.
    #[error("cannot read the connection string from `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// One file without the other.
    #[error("--certificate and --key go together")]
    Pair,
    /// No such way.
    #[error("reading --transport")]
    Transport(#[source] TransportError),
    /// No proxy.
    #[error("reading the proxy")]
    Proxy(#[source] ProxyError),
    /// A secret that is not kept as one.
    #[error("a secret is not used")]
    Secret(#[source] SecretFileError),
    /// A scope alone.
    #[error("--id-scope needs --registration-id: who the device is for the provisioning service")]
    NoRegistrationId,
    /// No such id.
    #[error("reading --registration-id")]
    RegistrationId(#[source] RegistrationIdError),
    /// No key in a file.
    #[error("`{path}` holds no key")]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: KeyError,
    },
    /// Not one way to prove who it is.
    #[error("--id-scope needs one of --enrollment-key-file, --group-key-file, and --certificate with --key")]
    Proof,
    /// The connection string is none.
    #[error("the connection string is not that of a device")]
    Connection(#[source] ConnectionStringError),
}

/// Reads the options, without the program's own name. `variable` looks an environment variable up.
///
/// # Errors
/// When an option is unknown or lacks its value, or no connection string can be read.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Request, OptionsError> {
    let mut given = Given::default();
    let mut rest = arguments.into_iter().peekable();
    let errand = Errand::of(rest.peek());
    if errand != Errand::Run {
        rest.next();
    }
    let (mut json, mut print, mut purge) = (false, false, false);
    while let Some(option) = rest.next() {
        let mut value = |name: &'static str| rest.next().ok_or(OptionsError::NoValue(name));
        match option.to_str() {
            Some("override") => return lease::parse(rest, variable).map(Request::Lease),
            Some("dsc") => return dsc::parse(rest).map(Request::Dsc),
            Some("--help" | "-h") => return Ok(Request::Help),
            Some("--version" | "-V") => return Ok(Request::Version),
            Some("--format") if errand == Errand::Check => match value("--format")?.to_str() {
                Some("json") => json = true,
                Some("text") => json = false,
                _ => return Err(OptionsError::Format),
            },
            Some("--print") if errand == Errand::Install => print = true,
            Some("--purge") if errand == Errand::Uninstall => purge = true,
            Some(name) if given.take(name, &mut value)? => {}
            _ => return Err(unknown(&option)),
        }
    }
    let given = Box::new(given);
    Ok(match errand {
        Errand::Run => Request::Run(Box::new(given.into_config(variable)?)),
        Errand::Check => Request::Check { given, json },
        Errand::Install => Request::Install(given, if print { Mode::Print } else { Mode::Install }),
        Errand::Uninstall => Request::Uninstall { given, purge },
    })
}

/// What the first word asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Errand {
    Run,
    Check,
    Install,
    Uninstall,
}

impl Errand {
    fn of(first: Option<&OsString>) -> Self {
        match first.and_then(|word| word.to_str()) {
            Some("check") => Self::Check,
            Some("install") => Self::Install,
            Some("uninstall") => Self::Uninstall,
            _ => Self::Run,
        }
    }
}

impl Given {
    /// Takes an option with its value; false when there is no such option.
    fn take(
        &mut self,
        name: &str,
        value: &mut impl FnMut(&'static str) -> Result<OsString, OptionsError>,
    ) -> Result<bool, OptionsError> {
        let text = |value: OsString| value.to_string_lossy().into_owned();
        match name {
            "--report-only" => self.report_only = true,
            "--connection-string-file" => self.connection_file = Some(value("--connection-string-file")?.into()),
            "--certificate" => self.certificate = Some(value("--certificate")?.into()),
            "--key" => self.key = Some(value("--key")?.into()),
            "--module" => self.module = Some(text(value("--module")?)),
            "--id-scope" => self.id_scope = Some(text(value("--id-scope")?)),
            "--provisioning-host" => self.provisioning_host = Some(text(value("--provisioning-host")?)),
            "--registration-id" => self.registration_id = Some(text(value("--registration-id")?)),
            "--enrollment-key-file" => self.enrollment_key_file = Some(value("--enrollment-key-file")?.into()),
            "--group-key-file" => self.group_key_file = Some(value("--group-key-file")?.into()),
            "--mqtt" => self.mqtt = Some(text(value("--mqtt")?)),
            "--transport" => self.transport = Some(text(value("--transport")?)),
            "--proxy" => self.proxy = Some(text(value("--proxy")?)),
            "--proxy-file" => self.proxy_file = Some(value("--proxy-file")?.into()),
            "--ca" => self.ca = Some(value("--ca")?.into()),
            "--state" => self.state = Some(value("--state")?.into()),
            "--files-root" => self.allowed.files.push(value("--files-root")?.into()),
            "--service" => self.allowed.services.push(text(value("--service")?)),
            "--dsc-path" => self.allowed.dsc.folders.push(value("--dsc-path")?.into()),
            "--dsc-name" => self.allowed.dsc.names.push(dsc::name(&value("--dsc-name")?)?),
            "--log-folder" => self.allowed.logs.push(value("--log-folder")?.into()),
            "--allow-method" => self.methods.push(text(value("--allow-method")?)),
            "--factory-reset-command" => self.allowed.factory_reset = Some(value("--factory-reset-command")?.into()),
            "--wipe-command" => self.allowed.wipe = Some(value("--wipe-command")?.into()),
            "--root" => self.root = Some(value("--root")?.into()),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A stray argument may be a secret put in the wrong place; only what looks like an option is shown.
fn unknown(option: &OsString) -> OptionsError {
    let text = option.to_string_lossy();
    let name = text.split('=').next().unwrap_or_default();
    let shown = if name.starts_with("--") { name } else { "…" };
    OptionsError::Unknown(shown.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::agent::{Allow, Allowed, DscFolders, Identity, Platform, Transport};

    const TEXT: &str = "HostName=hub;DeviceId=d1;SharedAccessKey=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fn read(arguments: &[&str]) -> Result<Request, OptionsError> {
        parse(arguments.iter().map(OsString::from), |name| (name == CONNECTION_VARIABLE).then(|| TEXT.to_owned()))
    }

    #[test]
    fn every_option_reaches_the_configuration() {
        let asked = ["--mqtt", "h:1", "--ca", "/ca", "--state", "/s", "--files-root", "/a", "--files-root", "/b"];
        let dsc = ["--dsc-path", "/d", "--dsc-name", "panel=Acme/Panel"];
        let own = ["--root", "/r", "--report-only", "--service", "cron", "--allow-method", "wipe"];
        let hooks = ["--log-folder", "/l", "--wipe-command", "/w", "--factory-reset-command", "/f"];
        let Ok(Request::Run(config)) = read(&[&asked[..], &own, &hooks, &dsc].concat()) else {
            panic!("a configuration")
        };
        assert_eq!(config.mqtt, Some("h:1".parse().unwrap()));
        assert_eq!((config.ca, config.state, config.heal), (Some("/ca".into()), "/s".into(), false));
        let Platform::Linux { root, allowed } = config.platform else { panic!("Linux") };
        let expected = Allowed {
            files: vec!["/a".into(), "/b".into()],
            services: vec!["cron".to_owned()],
            dsc: DscFolders { folders: vec!["/d".into()], names: vec![("panel".to_owned(), "Acme/Panel".to_owned())] },
            logs: vec!["/l".into()],
            methods: Allow::these(["wipe"]).unwrap(),
            factory_reset: Some("/f".into()),
            wipe: Some("/w".into()),
        };
        assert_eq!((root, allowed), ("/r".into(), expected));
    }

    #[test]
    fn the_connection_string_is_read_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), format!("{TEXT}\n")).unwrap();
        let arguments = ["--connection-string-file".into(), file.path().into()];
        assert!(matches!(parse(arguments, |_| None), Ok(Request::Run(_))));
        assert!(matches!(parse([], |_| None), Err(OptionsError::NoConnection)));
    }

    #[test]
    fn a_device_is_provisioned_by_a_key_or_a_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let key = tempfile::NamedTempFile::new_in(&folder).unwrap();
        let group = crate::iothub::Key::from_bytes(&[7; 32]).unwrap();
        fs::write(key.path(), group.reveal()).unwrap();
        let path = key.path().to_str().unwrap();
        let scope = ["--id-scope", "0ne1", "--registration-id", "dev-1", "--module", "m1"];
        let asked = |more: &[&str]| match read(&[&scope[..], more].concat()) {
            Ok(Request::Run(config)) => match config.identity {
                Identity::Provisioned(provisioning) => Ok(provisioning),
                Identity::Known(_) => panic!("a provisioned device"),
            },
            Ok(_) => panic!("a configuration"),
            Err(fault) => Err(fault),
        };
        let own = asked(&["--enrollment-key-file", path]).unwrap();
        assert_eq!((own.key.as_ref(), own.module.as_deref()), (Some(&group), Some("m1")));
        assert_eq!(own.service.to_string(), "global.azure-devices-provisioning.net:443");
        let derived = asked(&["--group-key-file", path, "--provisioning-host", "hub:8443"]).unwrap();
        assert_eq!((derived.key, derived.service.port), (Some(group.derive("dev-1")), 8443));
        assert_eq!(asked(&["--certificate", "/c", "--key", "/k"]).unwrap().key, None);
        assert!(matches!(asked(&[]), Err(OptionsError::Proof)));
        assert!(matches!(asked(&["--enrollment-key-file", path, "--group-key-file", path]), Err(OptionsError::Proof)));
        assert!(matches!(read(&["--id-scope", "0ne1"]), Err(OptionsError::NoRegistrationId)));
    }

    #[test]
    fn ways_and_identities_reach_the_configuration() {
        let asked = ["--transport", "websocket", "--proxy", "http://p:1", "--module", "m"];
        let Ok(Request::Run(config)) = read(&[&asked[..], &["--certificate", "/c", "--key", "/k"]].concat()) else {
            panic!("a configuration")
        };
        assert_eq!((config.transport, config.proxies.of("h").is_some()), (Transport::WebSocket, true));
        assert_eq!(config.certificate.map(|files| files.key), Some("/k".into()));
        let Identity::Known(connection) = config.identity else { panic!("a connection") };
        assert_eq!(connection.module_id.as_deref(), Some("m"));
        assert!(matches!(read(&["--certificate", "/c"]), Err(OptionsError::Pair)));
        assert!(matches!(read(&["--transport", "amqp"]), Err(OptionsError::Transport(_))));
        assert!(matches!(read(&["--proxy", "http://u:hush@p"]), Err(OptionsError::Proxy(ProxyError::Login))));
    }

    #[test]
    fn errands_are_told_by_the_first_word() {
        assert!(matches!(read(&["check", "--format", "json"]), Ok(Request::Check { json: true, .. })));
        assert!(
            matches!(read(&["install", "--print", "--ca", "/c"]), Ok(Request::Install(given, Mode::Print)) if given.ca.is_some())
        );
        assert!(matches!(read(&["uninstall", "--purge"]), Ok(Request::Uninstall { purge: true, .. })));
        assert!(matches!(read(&["check", "--format", "xml"]), Err(OptionsError::Format)));
        for stray in [&["--print"][..], &["check", "--purge"], &["--ca", "/c", "install"]] {
            assert!(matches!(read(stray), Err(OptionsError::Unknown(_))), "{stray:?}");
        }
    }

    #[test]
    fn wrong_usage_is_told_without_showing_a_secret() {
        assert!(matches!(read(&["--ca"]), Err(OptionsError::NoValue("--ca"))));
        let fault = read(&[TEXT]).unwrap_err().to_string();
        assert!(!fault.contains("AAAA"), "{fault}");
        let fault = read(&["--connection-string=AAAA"]).unwrap_err().to_string();
        assert!(fault.contains("--connection-string") && !fault.contains("AAAA"), "{fault}");
    }

    #[test]
    fn help_names_every_option() {
        assert!(matches!(read(&["--help"]), Ok(Request::Help)));
        for option in [
            "--connection-string-file",
            "--certificate",
            "--key",
            "--module",
            "--id-scope",
            "--provisioning-host",
            "--registration-id",
            "--enrollment-key-file",
            "--group-key-file",
            "--transport",
            "--proxy",
            "--proxy-file",
            "--mqtt",
            "--ca",
            "--state",
            "--files-root",
            "--root",
            "--report-only",
            "--service",
        ] {
            assert!(HELP.contains(option), "{option}");
        }
    }
}
