//! Commands that stay: the agent, the hub, and both on a laptop.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Subcommand};

use super::{
    AgentMayArgs, AuthorityCommand, DscArgs, DscPathArgs, EntryArgs, LimitArgs, LogFormat, PagesArgs, Share, duration,
};
use crate::{
    hub::EventKind,
    iothub::{RegistrationId, Secret},
    twin::DeviceId,
};

/// Of `agent`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  twinops agent --connection-string-file /etc/twinops/device --state /var/lib/twinops\n  \
                        twinops agent override time.timeZone UTC --for 4h --reason 'a visit of the maker'\n  \
                        IOTHUB_DEVICE_CONNECTION_STRING=… twinops agent --report-only\n\n\
                        Environment:\n  IOTHUB_DEVICE_CONNECTION_STRING  who this device is, without --connection-string-file"
)]
pub struct AgentArgs {
    /// How it would run.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Where accepted properties are kept, so that they hold without a hub.
    #[arg(
        long,
        global = true,
        env = "TWINOPS_AGENT_STATE",
        value_name = "DIR",
        default_value = "/var/lib/twinops-agent"
    )]
    pub state: PathBuf,
    /// Pretend: hold every setting in memory and touch nothing of this machine.
    #[arg(long, conflicts_with_all = ["root", "files_root", "services", "methods"], help_heading = "Device")]
    pub simulate: bool,
    /// What else can be done with the agent of this device.
    #[command(subcommand)]
    pub command: Option<AgentCommand>,
}

/// What an agent runs with.
#[derive(Debug, Clone, Args)]
pub struct DeviceArgs {
    /// How it connects.
    #[command(flatten)]
    pub link: LinkArgs,
    /// Who says where it connects to.
    #[command(flatten)]
    pub provisioning: ProvisioningArgs,
    /// The root of the system to manage.
    #[arg(long, value_name = "DIR", default_value = "/", help_heading = "Device")]
    pub root: PathBuf,
    /// The only folder below which the `files` component may write.
    #[arg(long, value_name = "DIR", help_heading = "Device")]
    pub files_root: Option<PathBuf>,
    /// A service that the `services` component may change, or `*` for all but those that carry the agent; may be given
    /// several times.
    #[arg(long = "service", value_name = "NAME", help_heading = "Device")]
    pub services: Vec<String>,
    /// Where DSC resources are.
    #[command(flatten)]
    pub dsc: DscPathArgs,
    /// What may be done with it from afar.
    #[command(flatten)]
    pub may: AgentMayArgs,
    /// Report what is, and change nothing.
    #[arg(long, help_heading = "Device")]
    pub report_only: bool,
}

/// How the agent connects.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub struct LinkArgs {
    /// A file that holds the device's connection string; without it, the variable `IOTHUB_DEVICE_CONNECTION_STRING`.
    #[arg(long, value_name = "FILE")]
    pub connection_string_file: Option<PathBuf>,
    /// The chain (PEM) of the device's certificate, when the connection string says `x509=true`, or for provisioning.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub certificate: Option<PathBuf>,
    /// The key (PEM) of that certificate; a file of mode 0600. Both are read again when they change.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub key: Option<PathBuf>,
    /// Connect as this module of the device; key or certificate are the module's then.
    #[arg(long, value_name = "ID")]
    pub module: Option<String>,
    /// Reach the hub's MQTT here instead of at the host that the connection string names, port 8883.
    #[arg(long, value_name = "HOST:PORT")]
    pub mqtt: Option<String>,
    /// By which way the hub is reached; `auto` is MQTT, or MQTT over WebSocket on port 443 where port 8883 is closed
    /// or there is a proxy.
    #[arg(long, value_name = "WAY", value_parser = ["auto", "mqtt", "websocket"])]
    pub transport: Option<String>,
    /// The proxy for WebSocket, provisioning and fetched files, `http://HOST:PORT`; without it, the variables
    /// `HTTPS_PROXY` and `NO_PROXY`.
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
    /// A file of mode 0600 that holds the proxy with its password, `http://USER:PASSWORD@HOST:PORT`.
    #[arg(long, value_name = "FILE", conflicts_with = "proxy")]
    pub proxy_file: Option<PathBuf>,
}

/// Who says where the agent connects to.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Provisioning")]
pub struct ProvisioningArgs {
    /// Ask a provisioning service of this id scope for the hub, instead of reading a connection string.
    #[arg(long, value_name = "SCOPE", requires = "registration_id", conflicts_with = "connection_string_file")]
    pub id_scope: Option<String>,
    /// Where that service is, with a port if it is not 443 [default: global.azure-devices-provisioning.net].
    #[arg(long, value_name = "HOST", requires = "id_scope")]
    pub provisioning_host: Option<String>,
    /// Who the device is there.
    #[arg(long, value_name = "ID", requires = "id_scope")]
    pub registration_id: Option<String>,
    /// The key of the device's own enrolment; a file of mode 0600.
    #[arg(long, value_name = "FILE", requires = "id_scope")]
    pub enrollment_key_file: Option<PathBuf>,
    /// The key of the device's enrolment group, from which its own is derived; a file of mode 0600.
    #[arg(long, value_name = "FILE", requires = "id_scope", conflicts_with = "enrollment_key_file")]
    pub group_key_file: Option<PathBuf>,
}

/// Below `agent`.
#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// Sets a value on this device for a while, over what the twin declares; without a path, lists such values.
    ///
    /// The agent reports it as a leased deviation and goes back to what is declared when the time is over, with or
    /// without a hub.
    Override(OverrideArgs),
    /// Lists the DSC resources of this device, or asks one of them.
    ///
    /// Needs no hub. Whatever is done here by `set` is not in the twin, and the agent does not know of it.
    Dsc(DscArgs),
    /// Says step by step why the agent cannot connect or apply; 1 when it cannot.
    ///
    /// Clock, names, ports, proxy, TLS, identity, permissions and what is not installed. An agent of the same device that
    /// runs loses its connection for a moment.
    Check(CheckArgs),
    /// Makes the agent, with these options, a service of systemd; with --root, in an image, where nothing is started.
    ///
    /// The connection string, keys and the proxy's password reach it as credentials of systemd, never by its environment;
    /// a connection string from the variable is kept in /etc/twinops/installed-connection, mode 0600.
    Install(InstallArgs),
    /// Stops and removes that service, and what was written for it.
    Uninstall(UninstallArgs),
}

/// Of `agent check`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  twinops agent check --connection-string-file /etc/twinops/device\n  \
                        twinops agent check --format json")]
pub struct CheckArgs {
    /// How it would run.
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// Of `agent install`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  twinops agent install --connection-string-file /etc/twinops/device\n  \
                        twinops agent install --id-scope 0ne1 --registration-id dev-1 --group-key-file /etc/twinops/group --print")]
pub struct InstallArgs {
    /// How it is to run; paths are those that the device sees.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Show the unit, and change nothing.
    #[arg(long)]
    pub print: bool,
}

/// Of `agent uninstall`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  twinops agent uninstall\n  twinops agent uninstall --purge")]
pub struct UninstallArgs {
    /// The root of the system to remove it from.
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub root: PathBuf,
    /// Remove the state folder, too: what the agent accepted, and what it would put back.
    #[arg(long)]
    pub purge: bool,
}

/// Of `agent override`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  twinops agent override time.timeZone UTC --for 4h --reason 'a visit of the maker'\n  \
                        twinops agent override time.timeZone --end\n  twinops agent override"
)]
pub struct OverrideArgs {
    /// The property: `component.property`, or deeper.
    pub path: Option<String>,
    /// Its value: JSON, or a plain word.
    #[arg(requires_all = ["lasting", "reason"])]
    pub value: Option<String>,
    /// How long, such as `30m`, `4h` or `2d`; a week at most.
    #[arg(long = "for", id = "lasting", value_name = "DURATION")]
    pub lasting: Option<String>,
    /// Why; the operators of the fleet read it.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Go back to what is declared now.
    #[arg(long, requires = "path", conflicts_with = "value")]
    pub end: bool,
}

/// Of `hub`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  twinops hub --state /var/lib/twinops-hub --name hub.example.org\n  \
                  twinops hub --tls-cert hub.pem --tls-key hub.key\n  \
                  TWINOPS_HUB_STORE=postgres://hub:…@db.example.org/hub twinops hub --name hub.example.org\n  \
                  twinops hub --oidc-issuer https://sts.windows.net/TENANT/ --oidc-audience https://iothubs.azure.net\n  \
                  export IOTHUB_CONNECTION_STRING=\"$(twinops hub connection-string)\"\n\n\
                  On first start it makes an authority and a certificate of its own, unless it is given one."
)]
pub struct HubArgs {
    /// Where twins, keys and certificates are kept.
    #[arg(long, global = true, value_name = "DIR", default_value = "twinops-hub")]
    pub state: PathBuf,
    /// Keep twins in this PostgreSQL database, which any number of hubs may share, instead of in the state folder:
    /// `postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full`. The state folder remembers it, for its owner's eyes
    /// only. Better given by the variable, because other users may see a command's arguments.
    #[arg(long, global = true, value_name = "URL", env = "TWINOPS_HUB_STORE", hide_env_values = true)]
    pub store: Option<Secret>,
    /// Serve REST here.
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:8443", help_heading = "Network")]
    pub http: SocketAddr,
    /// Serve MQTT here.
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:8883", help_heading = "Network")]
    pub mqtt: SocketAddr,
    /// Serve MQTT without TLS here, for a proxy on this machine that ends TLS itself; a loopback address.
    #[arg(long, value_name = "ADDR", help_heading = "Network")]
    pub mqtt_plain: Option<SocketAddr>,
    /// Over how long the links of many devices are closed when the hub stops.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "10s", help_heading = "Network")]
    pub drain: Duration,
    /// A name or address under which this hub is reached; may be given several times, the first goes into connection
    /// strings.
    #[arg(long = "name", value_name = "NAME", help_heading = "Network")]
    pub names: Vec<String>,
    /// What devices that register are told to connect to, if not to the first name: a host without a port.
    #[arg(long, value_name = "NAME", help_heading = "Network")]
    pub assigned_hub: Option<String>,
    /// Serve metrics for Prometheus here, over plain HTTP to whoever asks; on the address of REST they are at
    /// /metrics, for those who may connect as a service.
    #[arg(long, value_name = "ADDR", help_heading = "Network")]
    pub metrics: Option<SocketAddr>,
    /// Serve the portal here: pages for operators. Over TLS with `--tls-cert`; otherwise a loopback address.
    #[arg(long, value_name = "ADDR", help_heading = "Portal")]
    pub portal: Option<SocketAddr>,
    /// The fleet's repository, which the portal compares twins with.
    #[arg(long, value_name = "DIR", default_value = ".", requires = "portal", help_heading = "Portal")]
    pub portal_fleet: PathBuf,
    /// How the portal's pages are served.
    #[command(flatten)]
    pub pages: PagesArgs,
    /// Append messages of devices and events to this file, a JSON object a line; `-` is stdout.
    #[arg(long, value_name = "FILE", help_heading = "Events")]
    pub events: Option<PathBuf>,
    /// Which ones: telemetry, twin-changes, lifecycle, connections; all of them unless said otherwise.
    #[arg(long, value_name = "KIND", value_delimiter = ',', requires = "events", help_heading = "Events")]
    pub events_of: Vec<EventKind>,
    /// Move the file aside, to FILE.1, once it has so many MiB.
    #[arg(long, value_name = "MIB", default_value = "256", requires = "events", help_heading = "Events")]
    pub events_size: u32,
    /// How many of those files are kept; the oldest goes.
    #[arg(long, value_name = "NUMBER", default_value = "10", requires = "events", help_heading = "Events")]
    pub events_keep: u32,
    /// How the log is written to stderr.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub log_format: LogFormat,
    /// The certificate and those that signed it (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "TLS")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "TLS")]
    pub tls_key: Option<PathBuf>,
    /// Scheduled jobs that may wait or run at a time.
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    pub max_jobs: usize,
    /// Whose bearer tokens open the service API.
    #[command(flatten)]
    pub entry: EntryArgs,
    /// How much is too much.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Print something of this hub instead of serving.
    #[command(subcommand)]
    pub command: Option<HubCommand>,
}

/// What a hub's folder can be asked for, whether or not the hub runs.
#[derive(Debug, Subcommand)]
pub enum HubCommand {
    /// Print the connection string for operators.
    #[command(after_help = "Examples:\n  export IOTHUB_CONNECTION_STRING=\"$(twinops hub connection-string)\"")]
    ConnectionString,
    /// Print a device's connection string.
    #[command(after_help = "Examples:\n  twinops hub device-connection-string kiosk-0007 > /etc/twinops/device")]
    DeviceConnectionString(DeviceStringArgs),
    /// Copy everything of the hub into a new folder, whether or not it runs; nobody has to wait for it.
    #[command(after_help = "Examples:\n  twinops hub backup /backups/hub-monday --state /var/lib/twinops-hub\n\n\
                            A backup holds keys: it is for its owner alone, and so should its copies be.\n\
                            A hub that keeps its data in PostgreSQL is backed up with pg_dump.")]
    Backup(BackupArgs),
    /// Put a backup into the folder of a hub that does not run.
    #[command(after_help = "Examples:\n  twinops hub restore /backups/hub-monday --state /var/lib/twinops-hub")]
    Restore(RestoreArgs),
    /// Print a token that is valid for a while.
    #[command(after_help = "Examples:\n  curl -H \"Authorization: $(twinops hub sas-token --ttl 10m)\" …\n  \
                            twinops hub sas-token --device kiosk-0007")]
    SasToken(SasArgs),
    /// Print the id scope by which devices name this hub's provisioning service.
    #[command(after_help = "Examples:\n  twinops hub id-scope")]
    IdScope,
    /// Let a device, or a group of them, become devices of this hub by registering.
    #[command(
        after_help = "Examples:\n  twinops hub enroll kiosk-0007 --device lobby\n  twinops hub enroll --group kiosks\n  \
                      twinops hub enroll --group factory --certificate factory-ca.pem\n\n\
                      Prints the key with which to register; for a certificate, its SHA-256 thumbprint."
    )]
    Enroll(EnrollArgs),
    /// Print the key of one device of an enrolment group.
    #[command(after_help = "Examples:\n  twinops hub derive-key kiosks kiosk-0007")]
    DeriveKey(DeriveKeyArgs),
    /// Manage the authorities whose certificates let devices in; the hub has to be running.
    #[command(subcommand)]
    Authority(AuthorityCommand),
}

/// Of `hub enroll`.
#[derive(Debug, Args)]
pub struct EnrollArgs {
    /// The id under which one device registers.
    #[arg(value_name = "REGISTRATION", required_unless_present = "group")]
    pub registration: Option<RegistrationId>,
    /// Enrol a group of this name instead: all devices whose keys are derived from its key, or whose certificates lead to
    /// its authority.
    #[arg(long, value_name = "NAME", conflicts_with = "registration")]
    pub group: Option<RegistrationId>,
    /// What the device is called on the hub, if not as it registers.
    #[arg(long, value_name = "DEVICE", conflicts_with = "group")]
    pub device: Option<DeviceId>,
    /// Prove by certificate rather than by key: the device's own, or the authority's of a group (PEM).
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
}

/// Of `hub derive-key`.
#[derive(Debug, Args)]
pub struct DeriveKeyArgs {
    /// The group.
    #[arg(value_name = "GROUP")]
    pub group: RegistrationId,
    /// The id under which the device registers, in the very spelling.
    #[arg(value_name = "REGISTRATION")]
    pub registration: RegistrationId,
}

/// Of `hub backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// A folder that is not there yet.
    #[arg(value_name = "DEST")]
    pub target: PathBuf,
}

/// Of `hub restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The folder that `backup` made.
    #[arg(value_name = "SRC")]
    pub source: PathBuf,
    /// Also when there is a hub already; what is there is moved aside, into a folder beside it.
    #[arg(long)]
    pub force: bool,
}

/// Of `hub device-connection-string`.
#[derive(Debug, Args)]
pub struct DeviceStringArgs {
    /// The device.
    #[arg(value_name = "DEVICE")]
    pub device: DeviceId,
    /// Register the device when the hub does not know it.
    #[arg(long)]
    pub create: bool,
}

/// Of `hub sas-token`.
#[derive(Debug, Args)]
pub struct SasArgs {
    /// For this device, signed with its key, rather than for operators.
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<DeviceId>,
    /// How long it is valid.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "1h")]
    pub ttl: Duration,
}

/// Of `up`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  twinops up examples/fleet\n  twinops up --latency 2s --failure-rate 5% --offline 10%\n  \
                        twinops up --once --format json"
)]
pub struct UpArgs {
    /// The folder of the fleet; every save is applied.
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Where hub and devices keep their state; without it, `.twinops` in the fleet's folder.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Reconcile once, wait until the devices have caught up, and end.
    #[arg(long)]
    pub once: bool,
    /// With --once, how long to wait.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "2m", requires = "once")]
    pub timeout: Duration,
    /// Serve REST here; without it 127.0.0.1:8443, or any free port when that is taken.
    #[arg(long, value_name = "ADDR", help_heading = "Network")]
    pub http: Option<SocketAddr>,
    /// Serve MQTT here; without it 127.0.0.1:8883, or any free port when that is taken.
    #[arg(long, value_name = "ADDR", help_heading = "Network")]
    pub mqtt: Option<SocketAddr>,
    /// Serve the portal here; without it 127.0.0.1:8080, or any free port when that is taken.
    #[arg(long, value_name = "ADDR", help_heading = "Network")]
    pub portal: Option<SocketAddr>,
    /// How long a simulated device takes to apply a setting.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0s", help_heading = "Simulation")]
    pub latency: Duration,
    /// Which part of the settings fails on simulated devices.
    #[arg(long, value_name = "SHARE", default_value = "0%", help_heading = "Simulation")]
    pub failure_rate: Share,
    /// Which part of the simulated devices is not connected.
    #[arg(long, value_name = "SHARE", default_value = "0%", help_heading = "Simulation")]
    pub offline: Share,
}
