//! The options of the small agent, read by hand: a library for that would weigh more than the agent's own code.

use std::{ffi::OsString, fs, io, path::PathBuf};

mod lease;

pub use lease::{LeaseAction, LeaseRequest, who};

use super::{AddressError, Allow, Allowed, Config, Platform, UnknownMethod};
use crate::iothub::{ConnectionStringError, DeviceConnection};

/// Where the connection string stands when no file is named.
pub const CONNECTION_VARIABLE: &str = "IOTHUB_DEVICE_CONNECTION_STRING";
/// Where the agent keeps its ledger when no folder is named.
pub const STATE: &str = "/var/lib/twinops";

/// How to call the agent.
pub const HELP: &str = "\
Keeps this device as its twin declares.

Usage: twinops-agent [OPTIONS]
       twinops-agent override PATH VALUE --for 4h --reason TEXT   sets a value on this device for a while
       twinops-agent override [PATH --end]                        lists such values, or ends one

  --connection-string-file FILE  the device's connection string; or set IOTHUB_DEVICE_CONNECTION_STRING
  --mqtt HOST:PORT               where to connect to instead of port 8883 of the hub
  --ca FILE                      PEM file of the authorities to trust instead of the system's
  --state FOLDER                 where the agent keeps its ledger [/var/lib/twinops]
  --files-root FOLDER            a folder below which files may be managed; may be repeated
  --service NAME                 a service that may be changed, or `*`; may be repeated
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
    /// The connection string is none.
    #[error("the connection string is not that of a device")]
    Connection(#[source] ConnectionStringError),
}

#[derive(Default)]
struct Given {
    connection_file: Option<PathBuf>,
    mqtt: Option<String>,
    ca: Option<PathBuf>,
    state: Option<PathBuf>,
    allowed: Allowed,
    methods: Vec<String>,
    root: Option<PathBuf>,
    report_only: bool,
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
    let mut rest = arguments.into_iter();
    while let Some(option) = rest.next() {
        let mut value = |name: &'static str| rest.next().ok_or(OptionsError::NoValue(name));
        match option.to_str() {
            Some("override") => return lease::parse(rest, variable).map(Request::Lease),
            Some("--help" | "-h") => return Ok(Request::Help),
            Some("--version" | "-V") => return Ok(Request::Version),
            Some("--report-only") => given.report_only = true,
            Some("--connection-string-file") => {
                given.connection_file = Some(value("--connection-string-file")?.into());
            }
            Some("--mqtt") => given.mqtt = Some(value("--mqtt")?.to_string_lossy().into_owned()),
            Some("--ca") => given.ca = Some(value("--ca")?.into()),
            Some("--state") => given.state = Some(value("--state")?.into()),
            Some("--files-root") => given.allowed.files.push(value("--files-root")?.into()),
            Some("--service") => given.allowed.services.push(value("--service")?.to_string_lossy().into_owned()),
            Some("--log-folder") => given.allowed.logs.push(value("--log-folder")?.into()),
            Some("--allow-method") => given.methods.push(value("--allow-method")?.to_string_lossy().into_owned()),
            Some("--factory-reset-command") => {
                given.allowed.factory_reset = Some(value("--factory-reset-command")?.into());
            }
            Some("--wipe-command") => given.allowed.wipe = Some(value("--wipe-command")?.into()),
            Some("--root") => given.root = Some(value("--root")?.into()),
            _ => return Err(unknown(&option)),
        }
    }
    given.into_config(variable).map(|config| Request::Run(Box::new(config)))
}

/// A stray argument may be a secret put in the wrong place; only what looks like an option is shown.
fn unknown(option: &OsString) -> OptionsError {
    let text = option.to_string_lossy();
    let name = text.split('=').next().unwrap_or_default();
    let shown = if name.starts_with("--") { name } else { "…" };
    OptionsError::Unknown(shown.to_owned())
}

impl Given {
    fn into_config(self, variable: impl Fn(&str) -> Option<String>) -> Result<Config, OptionsError> {
        let text = match self.connection_file {
            Some(path) => fs::read_to_string(&path).map_err(|cause| OptionsError::File { path, cause })?,
            None => variable(CONNECTION_VARIABLE).ok_or(OptionsError::NoConnection)?,
        };
        let connection = DeviceConnection::parse(text.trim()).map_err(OptionsError::Connection)?;
        let root = self.root.unwrap_or_else(|| "/".into());
        let methods = Allow::these(&self.methods).map_err(OptionsError::Method)?;
        let platform = Platform::Linux { root, allowed: Allowed { methods, ..self.allowed } };
        let mut config = Config::new(connection, self.state.unwrap_or_else(|| STATE.into()), platform);
        config.mqtt = self.mqtt.map(|text| text.parse()).transpose().map_err(OptionsError::Mqtt)?;
        config.ca = self.ca;
        config.heal = !self.report_only;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "HostName=hub;DeviceId=d1;SharedAccessKey=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fn read(arguments: &[&str]) -> Result<Request, OptionsError> {
        parse(arguments.iter().map(OsString::from), |_| Some(TEXT.to_owned()))
    }

    #[test]
    fn every_option_reaches_the_configuration() {
        let asked = ["--mqtt", "h:1", "--ca", "/ca", "--state", "/s", "--files-root", "/a", "--files-root", "/b"];
        let own = ["--root", "/r", "--report-only", "--service", "cron", "--allow-method", "wipe"];
        let hooks = ["--log-folder", "/l", "--wipe-command", "/w", "--factory-reset-command", "/f"];
        let Ok(Request::Run(config)) = read(&[&asked[..], &own, &hooks].concat()) else { panic!("a configuration") };
        assert_eq!(config.mqtt, Some("h:1".parse().unwrap()));
        assert_eq!((config.ca, config.state, config.heal), (Some("/ca".into()), "/s".into(), false));
        let Platform::Linux { root, allowed } = config.platform else { panic!("Linux") };
        let expected = Allowed {
            files: vec!["/a".into(), "/b".into()],
            services: vec!["cron".to_owned()],
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
            "--mqtt",
            "--ca",
            "--state",
            "--files-root",
            "--root",
            "--report-only",
            "--service",
            "--log-folder",
            "--allow-method",
            "--factory-reset-command",
            "--wipe-command",
        ] {
            assert!(HELP.contains(option), "{option}");
        }
    }
}
