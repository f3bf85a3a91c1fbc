//! The arguments, and nothing else: every `--help`, the reference in `docs/cli.md` and the completions come from here.
//!
//! No secret is ever an argument: arguments are there for every user of a machine to read. Connection strings come
//! from the environment or from files.

mod adopt;
mod agent_may;
mod authority;
mod begin;
mod dsc;
mod entry;
mod follow;
mod operate;
mod past;
mod portal;
mod post;
mod rehearse;
mod rollout;
mod serve;
mod simulate;
mod values;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

pub use adopt::{AdoptArgs, AdoptTo, DriftArgs};
pub use agent_may::AgentMayArgs;
pub use authority::{AuthorityAddArgs, AuthorityCommand, AuthorityRemoveArgs};
pub use begin::{Ci, ImportArgs, InitArgs};
pub use dsc::{DscArgs, DscPathArgs};
pub use entry::{EntryArgs, LimitArgs};
pub use follow::FollowArgs;
pub use operate::{
    ExplainArgs, HubAccess, InvokeArgs, PlanArgs, QueryArgs, ReconcileArgs, RepoArgs, SelectArgs, StandingArgs,
    ValidateArgs,
};
pub use past::PastArgs;
pub use portal::{PagesArgs, PortalArgs, SignInArgs};
pub use post::{ForgeArgs, PlaceArgs, PostArgs};
pub use rehearse::RehearseArgs;
pub use rollout::{ApproveArgs, StatusArgs, WaveName};
pub use serve::{
    AgentArgs, AgentCommand, BackupArgs, CheckArgs, DeriveKeyArgs, DeviceArgs, DeviceStringArgs, EnrollArgs, HubArgs,
    HubCommand, InstallArgs, LinkArgs, OverrideArgs, ProvisioningArgs, RestoreArgs, SasArgs, UninstallArgs, UpArgs,
};
pub use simulate::{HubAddress, IdPattern, SimulateArgs};
pub use values::{Color, Dtdl, FormatWord, LogFormat, Share, Shell, duration};

use super::{Exit, Verbosity};
use crate::report::Format;

/// GitOps for device twins: keep a fleet of devices in the state that a git repository declares.
#[derive(Debug, Parser)]
#[command(
    name = "twinops",
    bin_name = "twinops",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 110,
    after_long_help = after_help()
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How to talk about it.
    #[command(flatten)]
    pub global: Global,
}

fn after_help() -> String {
    format!(
        "{}\n\
         Environment:\n  \
         IOTHUB_CONNECTION_STRING         the hub, for all commands that ask or write one\n  \
         IOTHUB_DEVICE_CONNECTION_STRING  the device, for agent\n  \
         NO_COLOR, CLICOLOR_FORCE, CI     whether there are colours and progress bars\n\n\
         Results go to stdout, all else to stderr.",
        Exit::table()
    )
}

/// Understood by every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct Global {
    /// How results are written.
    #[arg(long, global = true, value_parser = values::report_format(), default_value = "text", value_name = "FORMAT")]
    format: FormatWord,
    /// Whether there are colours.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
    /// Say more; twice for every step of every device.
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Say nothing but results and errors.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Certificates (PEM) of the authorities to trust instead of the public ones, for a hub of your own.
    #[arg(long, global = true, env = "TWINOPS_CA", value_name = "FILE", help_heading = "Connection")]
    pub ca: Option<PathBuf>,
}

impl Global {
    /// How results are written.
    pub const fn format(&self) -> Format {
        match self.format {
            FormatWord::Report(format) => format,
            FormatWord::V1Client => Format::Text,
        }
    }

    /// How much is said besides results.
    pub const fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, 1) => Verbosity::Verbose,
            (false, _) => Verbosity::Debug,
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Begin a fleet repository.
    Init(InitArgs),
    /// Make a fleet repository of live twins.
    Import(ImportArgs),
    /// Check a fleet repository, offline.
    Validate(ValidateArgs),
    /// Show what would change on the hub, and change nothing.
    Plan(PlanArgs),
    /// Bring the twins to what git declares.
    Reconcile(Box<ReconcileArgs>),
    /// Show what has left the state that git declares, or make it what git declares.
    Drift(DriftArgs),
    /// Show how every device stands.
    #[command(after_help = "Examples:\n  twinops status\n  \
                            twinops status --where \"tags.role = 'kiosk'\" --format json")]
    Status(StatusArgs),
    /// Show where the values of one device come from.
    Explain(ExplainArgs),
    /// Ask the hub in its query language; each row is a line of JSON.
    Query(QueryArgs),
    /// Call a method on devices.
    Invoke(InvokeArgs),
    /// Keep this device in the state that its twin asks for.
    Agent(Box<AgentArgs>),
    /// Serve the protocols of an IoT hub.
    Hub(Box<HubArgs>),
    /// Serve pages that show the fleet, over the REST API of any hub.
    Portal(Box<PortalArgs>),
    /// Run hub, simulated devices and reconciler on this machine, for the fleet in a folder.
    Up(UpArgs),
    /// Run many simulated devices against a hub, for load and for rehearsals.
    Simulate(Box<SimulateArgs>),
    /// Print the schemas of the documents and the JSON reports.
    Schema(SchemaArgs),
    /// Print a script that makes a shell complete this command.
    #[command(after_help = "Examples:\n  twinops completions bash > /etc/bash_completion.d/twinops\n  \
                            twinops completions fish > ~/.config/fish/completions/twinops.fish")]
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the reference of the command line.
    #[command(hide = true)]
    Docs(DocsArgs),
}

/// Of `schema`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  twinops schema                   the schema of the documents, for an editor\n  \
                        twinops schema time              that of a component\n  \
                        twinops schema report-plan       that of a report\n  \
                        twinops schema --method windows.startRemoteWipeAsync\n  \
                        twinops schema --dtdl 3          a DTDL model of all components for Azure's tools\n  \
                        twinops schema --dtdl 2 time     the DTDL interface of one\n  \
                        twinops schema --dsc apt.dsc.resource.json > components/apt.schema.json\n  \
                        twinops schema --write schemas   all of them, each to its file")]
pub struct SchemaArgs {
    /// A component such as `time`, a kind of document such as `profile`, or a report such as `report-plan`.
    #[arg(value_name = "NAME", conflicts_with = "write")]
    pub name: Option<String>,
    /// What is handed to a direct method.
    #[arg(long, value_name = "METHOD", conflicts_with_all = ["name", "write"])]
    pub method: Option<String>,
    /// The DTDL interface of a component that answers by IoT Plug and Play; without a name, a device with all of them.
    #[arg(long, value_name = "VERSION", conflicts_with_all = ["method", "write"])]
    pub dtdl: Option<Dtdl>,
    /// The schema of the component that the agent makes of a DSC resource, from its manifest.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "method", "dtdl", "write"])]
    pub dsc: Option<PathBuf>,
    /// Write every schema to its file in this folder instead.
    #[arg(long, value_name = "DIR")]
    pub write: Option<PathBuf>,
    /// The fleet repository whose own components are known too.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub fleet: PathBuf,
}

/// Of `docs`.
#[derive(Debug, Args)]
pub struct DocsArgs {
    /// The description of the hub's REST API (OpenAPI) instead.
    #[arg(long)]
    pub openapi: bool,
    /// The pages of the rules instead, into a folder.
    #[arg(long, requires = "write", conflicts_with = "openapi")]
    pub rules: bool,
    /// Write to this file instead of stdout.
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
}

#[cfg(test)]
mod tests;
