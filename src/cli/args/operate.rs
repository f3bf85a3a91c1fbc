//! Commands that look at a fleet and its hub.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::Args;

use super::{ApproveArgs, FollowArgs, PastArgs, PostArgs, RehearseArgs, Share, duration, values::guard};
use crate::{
    fleet::GuardName,
    iothub::HostName,
    twin::{DeviceId, PropertyPath},
};

/// Which revision of which repository.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Fleet")]
pub struct RepoArgs {
    /// The folder of the fleet; may lie below the root of a larger repository.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub fleet: PathBuf,
    /// The commit, branch or tag that declares the state.
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub revision: String,
}

/// Which devices.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Devices")]
pub struct SelectArgs {
    /// Only devices that this condition selects, in the hub's query language.
    #[arg(long = "where", value_name = "CONDITION")]
    pub condition: Option<String>,
    /// Only this device; may be given several times.
    #[arg(long = "device", value_name = "DEVICE")]
    pub devices: Vec<DeviceId>,
}

/// How to reach the hub.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct HubAccess {
    /// A file that holds the hub's connection string; without it, the variable `IOTHUB_CONNECTION_STRING`.
    #[arg(long, env = "IOTHUB_CONNECTION_STRING_FILE", value_name = "FILE")]
    pub connection_string_file: Option<PathBuf>,
    /// The hub's host name, for whoever has no connection string; without it, `spec.hub.hostname`. Then the hub is asked as
    /// the identity that Azure's clients find: `AZURE_TENANT_ID` and `AZURE_CLIENT_ID` with `AZURE_FEDERATED_TOKEN_FILE`
    /// or `AZURE_CLIENT_SECRET`, a managed identity, or the login of `az`.
    #[arg(long = "hub", env = "IOTHUB_HOSTNAME", value_name = "HOST")]
    pub host: Option<HostName>,
    /// A file with a bearer token to show instead, for a hub that takes those of its issuer (`twinops hub --oidc-issuer`); it
    /// is read again every minute.
    #[arg(long, env = "IOTHUB_TOKEN_FILE", value_name = "FILE", conflicts_with = "connection_string_file")]
    pub token_file: Option<PathBuf>,
}

/// Of `validate`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  twinops validate\n  twinops validate fleets/kiosks --format github\n  \
                        twinops validate --watch\n  twinops validate --snapshot twins.ndjson\n\n\
                        A comment waives a rule in its place: # twinops: allow RULE because REASON\n\
                        `twinops explain --rule` lists the rules.")]
pub struct ValidateArgs {
    /// The folder of the fleet, as it is on disk.
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Check this commit, branch or tag instead of the files on disk.
    #[arg(long, value_name = "REV")]
    pub revision: Option<String>,
    /// Check again at every save, until Ctrl-C; the exit code is that of the last result.
    #[arg(long, conflicts_with = "revision")]
    pub watch: bool,
    /// Look at the twins in this file as well, one JSON document a line: what selects nothing, what devices cannot
    /// understand, how full twins are.
    #[arg(long, visible_alias = "twins", value_name = "FILE", conflicts_with = "watch", help_heading = "Connection")]
    pub snapshot: Option<PathBuf>,
    /// Look at the twins of the hub as well.
    #[arg(long, conflicts_with_all = ["snapshot", "watch"], help_heading = "Connection")]
    pub live: bool,
    /// The hub.
    #[command(flatten)]
    pub hub: HubAccess,
}

/// Of `plan`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  twinops plan\n  twinops plan --revision main --format markdown > plan.md\n  \
                        twinops plan --worktree --where \"tags.site = 'oslo'\"\n  \
                        twinops plan --snapshot twins.ndjson --detailed-exitcode\n  \
                        twinops plan --out plan.json && twinops reconcile --plan plan.json\n  \
                        twinops plan --rehearse --rehearse-from origin/main")]
pub struct PlanArgs {
    /// The fleet.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// Plan the files on disk, committed or not.
    #[arg(long, conflicts_with = "revision", help_heading = "Fleet")]
    pub worktree: bool,
    /// The devices.
    #[command(flatten)]
    pub select: SelectArgs,
    /// The hub.
    #[command(flatten)]
    pub hub: HubAccess,
    /// Read the twins from this file, one JSON document a line, instead of a hub.
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub snapshot: Option<PathBuf>,
    /// The share of the throttles that `spec.hub.sku` has which may be taken, 80% unless told; devices need the rest.
    #[arg(long, value_name = "SHARE", help_heading = "Run")]
    pub share: Option<Share>,
    /// Let this guard pass, as the same argument of `reconcile` would; may be given several times.
    #[arg(long, value_name = "GUARD", value_parser = guard(), help_heading = "Run")]
    pub allow: Vec<GuardName>,
    /// Keep the plan in this file, to be carried out by `reconcile --plan` as it is; for its owner's eyes alone.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Rehearsing.
    #[command(flatten)]
    pub rehearse: RehearseArgs,
    /// Rollouts.
    #[command(flatten)]
    pub approve: ApproveArgs,
    /// Exit with 2 when values would change.
    #[arg(long, help_heading = "Output")]
    pub detailed_exitcode: bool,
    /// Telling it on a forge.
    #[command(flatten)]
    pub post: PostArgs,
}

/// Of `reconcile`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  twinops reconcile\n  twinops reconcile --revision v1.4.0 --wait=30m\n  \
                        twinops reconcile --device kiosk-0007 --format json\n  \
                        twinops reconcile --watch --webhook 127.0.0.1:9000 --metrics 127.0.0.1:9100\n\n\
                        The plan is printed and then carried out; nothing is asked.\n\
                        A run that was interrupted is continued by running it again.")]
pub struct ReconcileArgs {
    /// The fleet.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// The devices.
    #[command(flatten)]
    pub select: SelectArgs,
    /// The hub.
    #[command(flatten)]
    pub hub: HubAccess,
    /// Carry this plan out, made by `plan --out`: nothing else is written, and a device whose twin has moved on since is
    /// refused.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["revision", "condition", "devices", "shard", "watch", "worktree"], help_heading = "Run")]
    pub plan: Option<PathBuf>,
    /// Twins written at the same time, at most; a hub that throttles brings it down.
    #[arg(long, value_name = "N", default_value = "32", help_heading = "Run")]
    pub concurrency: NonZeroUsize,
    /// The share of the throttles that `spec.hub.sku` has which may be taken, 80% unless told; devices need the rest.
    #[arg(long, value_name = "SHARE", help_heading = "Run")]
    pub share: Option<Share>,
    /// Let this guard pass in this run; the report records who did. May be given several times.
    #[arg(long, value_name = "GUARD", value_parser = guard(), help_heading = "Run")]
    pub allow: Vec<GuardName>,
    /// Wait until the devices that are connected have caught up, 10 minutes unless told.
    #[arg(
        long, value_name = "DURATION", value_parser = duration, num_args = 0..=1, require_equals = true,
        default_missing_value = "10m",
        help_heading = "Run"
    )]
    pub wait: Option<Duration>,
    /// Rollouts.
    #[command(flatten)]
    pub approve: ApproveArgs,
    /// Exit with 2 when values were changed.
    #[arg(long, help_heading = "Output")]
    pub detailed_exitcode: bool,
    /// Write nothing unless the plan is the one in the comment of the pull request that was merged into the commit, as
    /// `plan --post` wrote it there; exits with 5 otherwise. See docs/ci.md.
    #[arg(long, help_heading = "Forge")]
    pub require_approved_plan: bool,
    /// Telling it on a forge.
    #[command(flatten)]
    pub post: PostArgs,
    /// Going on.
    #[command(flatten)]
    pub follow: FollowArgs,
}

/// Of `drift` and `status`.
#[derive(Debug, Args)]
pub struct StandingArgs {
    /// The fleet.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// The devices.
    #[command(flatten)]
    pub select: SelectArgs,
    /// The hub.
    #[command(flatten)]
    pub hub: HubAccess,
    /// Read the twins from this file, one JSON document a line, instead of a hub.
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub snapshot: Option<PathBuf>,
    /// What it is told against.
    #[command(flatten)]
    pub past: PastArgs,
    /// Exit with 2 when there is drift; of `status`: when a device is not compliant.
    #[arg(long, help_heading = "Output")]
    pub detailed_exitcode: bool,
    /// Keep one issue up to date on GitHub or GitLab while there is something to tell, and close it when there is nothing
    /// any more.
    #[arg(long, help_heading = "Forge")]
    pub open_issue: bool,
    /// Telling it on a forge.
    #[command(flatten)]
    pub post: PostArgs,
}

/// Of `explain`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  twinops explain kiosk-0007\n  \
                        twinops explain kiosk-0007 properties.desired.windows.timeInfo.ntpServer\n  \
                        twinops explain kiosk-0007 --worktree --snapshot twins.ndjson\n  \
                        twinops explain --rule yaml-trap\n\n\
                        Without a hub or a snapshot, how the values stand is left out.")]
pub struct ExplainArgs {
    /// The device.
    #[arg(value_name = "DEVICE", required_unless_present = "rule")]
    pub device: Option<DeviceId>,
    /// A rule of `validate` instead: what it demands, why, and what to do. Without an id, all of them.
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["device", "path"])]
    pub rule: Option<String>,
    /// Only what lies at or below this path.
    #[arg(value_name = "PATH")]
    pub path: Option<PropertyPath>,
    /// The fleet.
    #[command(flatten)]
    pub repo: RepoArgs,
    /// Explain the files on disk, committed or not.
    #[arg(long, conflicts_with = "revision", help_heading = "Fleet")]
    pub worktree: bool,
    /// The hub.
    #[command(flatten)]
    pub hub: HubAccess,
    /// Read the twin from this file, one JSON document a line, instead of a hub.
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub snapshot: Option<PathBuf>,
}

/// Of `query`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  twinops query \"SELECT deviceId FROM devices WHERE tags.site = 'oslo'\"\n  \
                        twinops query \"SELECT * FROM devices\" > twins.ndjson")]
pub struct QueryArgs {
    /// The statement.
    #[arg(value_name = "SQL")]
    pub statement: String,
    /// Stop after so many rows.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// The hub.
    #[command(flatten)]
    pub hub: HubAccess,
}

/// Of `invoke`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  twinops invoke reboot --device kiosk-0007\n  \
                        twinops invoke setVolume --device kiosk-0007 --payload '{\"percent\": 40}'\n  \
                        twinops invoke refresh --where \"tags.ring = 'canary'\"\n\n\
                        A payload that holds a secret belongs in a file.")]
#[command(group = clap::ArgGroup::new("whom").required(true).multiple(true).args(["condition", "devices"]))]
pub struct InvokeArgs {
    /// The method.
    #[arg(value_name = "METHOD")]
    pub method: String,
    /// The devices.
    #[command(flatten)]
    pub select: SelectArgs,
    /// What to hand to it: JSON.
    #[arg(long, value_name = "JSON", help_heading = "Call")]
    pub payload: Option<String>,
    /// A file with what to hand to it; `-` is stdin.
    #[arg(long, value_name = "FILE", conflicts_with = "payload", help_heading = "Call")]
    pub payload_file: Option<PathBuf>,
    /// How long the device may take to answer, 5 to 300 seconds.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s", help_heading = "Call")]
    pub timeout: Duration,
    /// How long to wait for a device that is not connected.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0s", help_heading = "Call")]
    pub connect_timeout: Duration,
    /// Devices called at the same time, at most.
    #[arg(long, value_name = "N", default_value = "16", help_heading = "Call")]
    pub concurrency: NonZeroUsize,
    /// Devices that `--where` may select, at most; when it selects more, none is called.
    #[arg(long, value_name = "N", default_value = "100", help_heading = "Call")]
    pub max_devices: NonZeroUsize,
    /// Do not ask before a method that restarts devices, or destroys what cannot be brought back.
    #[arg(long, help_heading = "Call")]
    pub yes: bool,
    /// The hub.
    #[command(flatten)]
    pub hub: HubAccess,
}
